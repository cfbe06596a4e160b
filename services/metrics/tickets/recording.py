"""The tickets' part in a batch of platform events."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.revision import repeated_id
from libs.common.catalog.recorder import venues_of_events
from libs.common.catalog.statements import NamedEvent
from libs.common.postgres.database import Connection
from services.metrics.changes import Changes
from services.metrics.namespaces import Topic
from services.metrics.tickets.events import SCANNED, TYPES, scan_of, show_of, ticket_of
from services.metrics.tickets.live import live_admission, live_refusal
from services.metrics.tickets.recorder import record_tickets

__all__ = ("TYPES", "record", "shows")


def shows(events: Iterable[Event]) -> list[NamedEvent]:
    """The shows that scans, transfers, offers and resales name, at the venue of the event."""
    named = dict.fromkeys((show_of(event), event.venue_id) for event in events)
    return [NamedEvent(event_id, repeated_id(venue_id)) for event_id, venue_id in named]


async def record(conn: Connection, tenant_id: UUID, events: Sequence[Event]) -> Changes:
    """Carry events of `TYPES` into the tickets and what is counted over them."""
    scans = [scan_of(event) for event in events if event.type == SCANNED]
    statements = [statement for event in events if (statement := ticket_of(event)) is not None]
    recorded = await record_tickets(conn, tenant_id, scans, statements)
    admissions = (live_admission(ticket) for ticket in recorded.admitted)
    changes = Changes(
        live=[value for value in admissions if value is not None]
        + [live_refusal(scan) for scan in recorded.refused],
        daily=list(recorded.deltas.daily()),
    )
    event_ids = {show_of(event) for event in events} | recorded.deltas.event_ids()
    shows_at = await venues_of_events(conn, tenant_id, event_ids)
    venue_ids = {repeated_id(event.venue_id) for event in events} | recorded.deltas.venue_ids() | shows_at
    changes.touch(venue_ids, Topic.TICKETS, Topic.VISITS)
    return changes
