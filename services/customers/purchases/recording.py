"""The purchases' part in a batch of platform events: orders, refunds, cancellations."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.revision import happened_at, repeated_id
from libs.common.catalog.statements import NamedEvent
from libs.common.orders.events import COMPLETED, TYPES, order_of, shows_of
from libs.common.orders.merging import merge_orders
from libs.common.postgres.database import Connection
from services.customers.changes import Changes
from services.customers.people.sightings import Sighting
from services.customers.purchases.book import purchases_of
from services.customers.purchases.store import PurchaseStore

__all__ = ("TYPES", "record", "shows", "sightings")


def shows(events: Iterable[Event]) -> list[NamedEvent]:
    """The shows that sales name, at the venue of the sale."""
    named = dict.fromkeys((event_id, event.venue_id) for event in events for event_id in shows_of(event))
    return [NamedEvent(repeated_id(event_id), repeated_id(venue_id)) for event_id, venue_id in named]


def sightings(events: Iterable[Event]) -> Iterable[Sighting]:
    """Whom sales name as their customers, whether or not the statement is the newest one."""
    for event in events:
        if event.type == COMPLETED and event.order_completed.customer_id:
            customer_id = repeated_id(event.order_completed.customer_id)
            yield Sighting(repeated_id(event.venue_id), customer_id, happened_at(event))


async def record(conn: Connection, tenant_id: UUID, events: Sequence[Event]) -> Changes:
    """Carry events of `TYPES` into orders, refunds and purchases."""
    changed, known = await merge_orders(conn, tenant_id, map(order_of, events))
    store = PurchaseStore(conn, tenant_id)
    restated = [order.order_id for order in changed if order.order_id in known]
    concerned = await store.take_out(restated) if restated else set()
    purchases = [purchase for order in changed for purchase in purchases_of(order)]
    await store.put_in(purchases)
    changes = Changes()
    changes.bought(concerned)
    changes.bought((purchase.venue_id, purchase.customer_id) for purchase in purchases)
    return changes
