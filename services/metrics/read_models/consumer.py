"""The queue that keeps the read models: which events it takes, and one transaction for a batch of them."""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.consumer import AfterCommit, in_transaction
from libs.common.bus.port import Bus, Consumer
from libs.common.context import TenantScope
from libs.common.errors import VenueNotFound
from libs.common.postgres.database import Connection, Database
from services.metrics.catalog import events as catalog_events
from services.metrics.catalog.recorder import record_catalog, venues_of_events
from services.metrics.catalog.statements import NamedEvent
from services.metrics.catalog.venues import Venues
from services.metrics.ingest.admission import require_fit
from services.metrics.orders import events as order_events
from services.metrics.orders.facts import Order
from services.metrics.orders.recorder import record_orders
from services.metrics.read_models.effects import Effects

QUEUE: Final = "metrics.read-models"
TYPES: Final = (*catalog_events.TYPES, *order_events.TYPES)
PREFETCH: Final = 500


class ReadModels:
    """Applies batches of one tenant's events; what a batch changes becomes visible at once or not at all."""

    def __init__(self, database: Database, venues: Venues, effects: Effects) -> None:
        self._database = database
        self._venues = venues
        self._effects = effects

    def consumer(self, bus: Bus) -> Consumer:
        """The queue's consumer on a bus."""
        handler = in_transaction(self._database, service="metrics", queue=QUEUE, apply=self.apply)
        return bus.consume(QUEUE, types=TYPES, handler=handler, prefetch=PREFETCH)

    async def apply(self, conn: Connection, events: Sequence[Event]) -> AfterCommit:
        """Write new events of one tenant inside its transaction.

        Args:
            conn: The open transaction.
            events: Events that were never applied, in any order.

        Raises:
            InvalidField: An event breaks a rule of its contract; it goes to the dead letters with the reason.
            VenueNotFound: An event names a venue of another tenant.
        """
        for event in events:
            require_fit(event)
        tenant_id = UUID(events[0].tenant_id)
        venue_ids = {UUID(event.venue_id) for event in events}
        await self._require_own_venues(conn, tenant_id, venue_ids)
        statements = [
            catalog_events.statement_of(event) for event in events if event.type in catalog_events.TYPES
        ]
        orders = [order_events.order_of(event) for event in events if event.type in order_events.TYPES]
        changed = venue_ids | await record_catalog(conn, tenant_id, statements, _named_events(orders))
        recorded = await record_orders(conn, tenant_id, orders)
        changed |= recorded.venue_ids | await venues_of_events(conn, tenant_id, recorded.event_ids)
        live = await self._effects.inside(conn, tenant_id, recorded.first_sales)

        async def after_commit() -> None:
            self._venues.forget(tenant_id, venue_ids)
            await self._effects.after(tenant_id, changed, live)

        return after_commit

    async def _require_own_venues(self, conn: Connection, tenant_id: UUID, venue_ids: set[UUID]) -> None:
        owned = await self._venues.register(conn, TenantScope(tenant_id), venue_ids)
        for venue_id in venue_ids - owned:
            raise VenueNotFound("the venue belongs to another tenant", venue_id=venue_id)


def _named_events(orders: Iterable[Order]) -> list[NamedEvent]:
    """The shows that sales name, at the venue of the sale."""
    named = {
        event_id: NamedEvent(event_id, order.sale.venue_id)
        for order in orders
        if order.sale is not None
        for event_id in (order.sale.event_of(line) for line in order.sale.lines)
        if event_id is not None
    }
    return list(named.values())
