"""The orders' part in a batch of platform events."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.revision import repeated_id
from libs.common.catalog.recorder import venues_of_events
from libs.common.catalog.statements import NamedEvent
from libs.common.orders.events import TYPES, order_of, shows_of
from libs.common.postgres.database import Connection
from services.metrics.changes import Changes
from services.metrics.namespaces import Topic
from services.metrics.orders.daily import daily_facts
from services.metrics.orders.live import live_values
from services.metrics.orders.recorder import record_orders

__all__ = ("TYPES", "record", "shows")


def shows(events: Iterable[Event]) -> list[NamedEvent]:
    """The shows that sales name, at the venue of the sale."""
    named = dict.fromkeys((event_id, event.venue_id) for event in events for event_id in shows_of(event))
    return [NamedEvent(repeated_id(event_id), repeated_id(venue_id)) for event_id, venue_id in named]


async def record(conn: Connection, tenant_id: UUID, events: Sequence[Event]) -> Changes:
    """Carry events of `TYPES` into the books."""
    recorded = await record_orders(conn, tenant_id, map(order_of, events))
    changes = Changes(
        live=[value for lines in recorded.first_sales for value in live_values(lines)],
        daily=daily_facts(recorded.replaced),
    )
    venue_ids = {repeated_id(event.venue_id) for event in events} | recorded.venue_ids
    changes.touch(venue_ids, Topic.REVENUE, Topic.VISITS)
    changes.touch(
        venue_ids | await venues_of_events(conn, tenant_id, recorded.event_ids), Topic.CAPACITY, Topic.TICKETS
    )
    return changes
