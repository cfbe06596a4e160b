"""The secondary market's part in a batch of platform events."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.buckets import microseconds
from libs.common.bus.revision import repeated_id
from libs.common.catalog.recorder import venues_of_events
from libs.common.catalog.statements import NamedEvent
from libs.common.postgres.database import Connection
from services.metrics.changes import Changes
from services.metrics.live.keys import LiveKey
from services.metrics.live.values import LiveValue
from services.metrics.marketplace.events import LISTED, RESOLD, TYPES, resale_of, show_of, statement_of
from services.metrics.marketplace.facts import ListingStatement, Resale
from services.metrics.marketplace.recorder import Recorded, record_market
from services.metrics.namespaces import Topic

__all__ = ("TICKETS_LISTED", "TICKETS_RESOLD", "TYPES", "record", "shows")

TICKETS_LISTED: Final = "tickets_listed"
TICKETS_RESOLD: Final = "tickets_resold"


def shows(events: Iterable[Event]) -> list[NamedEvent]:
    """The shows whose tickets are offered or sold, at the venue of the event."""
    named = dict.fromkeys((show_of(event), event.venue_id) for event in events)
    return [NamedEvent(repeated_id(event_id), repeated_id(venue_id)) for event_id, venue_id in named]


async def record(conn: Connection, tenant_id: UUID, events: Sequence[Event]) -> Changes:
    """Carry events of `TYPES` into listings and resales."""
    statements = [statement_of(event) for event in events if event.type == LISTED]
    resales = [resale_of(event) for event in events if event.type == RESOLD]
    recorded = await record_market(conn, tenant_id, statements, resales)
    changes = Changes(daily=recorded.daily, live=_live_values(recorded))
    facts: list[ListingStatement | Resale] = [*statements, *resales]
    venue_ids = recorded.venue_ids.union(fact.venue_id for fact in facts)
    at_shows = await venues_of_events(conn, tenant_id, {fact.event_id for fact in facts})
    changes.touch(venue_ids | at_shows, Topic.MARKETPLACE, Topic.TICKETS)
    return changes


def _live_values(recorded: Recorded) -> list[LiveValue]:
    values = [
        _one(listing.newest.venue_id, TICKETS_LISTED, listing.first_listed_at)
        for listing in recorded.first_listed
        if listing.newest is not None and listing.first_listed_at is not None
    ]
    return values + [_one(resale.venue_id, TICKETS_RESOLD, resale.resold_at) for resale in recorded.resales]


def _one(venue_id: UUID, metric_type: str, at: datetime) -> LiveValue:
    return LiveValue(LiveKey(venue_id, metric_type), microseconds(at), 1.0)
