"""The envelope of a simulated event."""

from datetime import datetime
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from deploy.local.simulator.world import Ids, Venue

PRODUCER = "season-simulator"


def envelope(ids: Ids, kind: str, entity_id: UUID, venue: Venue, at: datetime) -> Event:
    event = Event(
        event_id=str(ids.make(kind, entity_id)),
        type=kind,
        tenant_id=str(ids.tenant_id),
        venue_id=str(venue.id),
        entity_id=str(entity_id),
        version=1,
        producer=PRODUCER,
    )
    event.occurred_at.FromDatetime(at)
    return event
