"""The queue that tells whom to forget."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

from tickettoken.events.v1 import customers_pb2
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus import outbox
from libs.common.bus.consumer import repeatable
from libs.common.bus.fitness import require_fit
from libs.common.bus.port import Bus, Consumer
from libs.common.context import TenantScope
from libs.common.erasure.tombstones import Tombstones
from libs.common.postgres.database import Database
from services.metrics.privacy.store import ErasureStore

QUEUE: Final = "metrics.erasures"
TYPES: Final = ("customer.erased",)
PREFETCH: Final = 10
_SERVICE: Final = "metrics"

RenameEvents = Callable[[UUID, UUID], Awaitable[int]]
"""Puts a pseudonym in a person's place in the current caller's raw events; returns how many named them."""


class Erasures:
    """Forgets people, one after the other; doing one again changes nothing and confirms the same.

    Args:
        database: The app role's database.
        tombstones: The service's.
        rename_events: Cleans the raw events.
    """

    def __init__(self, database: Database, tombstones: Tombstones, rename_events: RenameEvents) -> None:
        self._database = database
        self._tombstones = tombstones
        self._rename_events = rename_events

    def consumer(self, bus: Bus) -> Consumer:
        """The queue's consumer on a bus."""
        handler = repeatable(service=_SERVICE, apply=self.apply)
        return bus.consume(QUEUE, types=TYPES, handler=handler, prefetch=PREFETCH)

    async def apply(self, events: Sequence[Event]) -> None:
        """Forget those whom the events name, and confirm each erasure.

        Raises:
            InvalidField: An event breaks a rule of its contract; it goes to the dead letters with the reason.
            DependencyUnavailable: A store is not reachable.
        """
        for event in events:
            require_fit(event)
            await self._forget(UUID(event.tenant_id), event.customer_erased)

    async def _forget(self, tenant_id: UUID, erased: customers_pb2.CustomerErased) -> None:
        erasure_id, pseudonym = UUID(erased.erasure_id), UUID(erased.pseudonym)
        customer_id, scope = UUID(erased.customer_id), TenantScope(tenant_id)
        # Its own transaction: what is written from its commit on cannot name the person, so nothing slips
        # between.
        async with self._database.transaction(scope) as conn:
            await self._tombstones.bury(conn, tenant_id, customer_id, pseudonym)
        async with self._database.transaction(scope) as conn:
            store = ErasureStore(conn, tenant_id)
            orders = await store.rename_orders(customer_id, pseudonym)
            await store.touched(erasure_id, {"orders": orders})
        documents = await self._rename_events(customer_id, pseudonym)
        async with self._database.transaction(scope) as conn:
            store = ErasureStore(conn, tenant_id)
            await store.touched(erasure_id, {"raw_analytics": documents})
            await outbox.append(conn, [_confirmed(tenant_id, erasure_id, await store.confirmed(erasure_id))])


def _confirmed(tenant_id: UUID, erasure_id: UUID, touched: dict[str, int]) -> Event:
    event = Event(
        event_id=str(uuid5(erasure_id, f"customer.erasure_confirmed by {_SERVICE}")),
        type="customer.erasure_confirmed",
        tenant_id=str(tenant_id),
        entity_id=str(erasure_id),
        producer=_SERVICE,
        customer_erasure_confirmed=customers_pb2.CustomerErasureConfirmed(
            erasure_id=str(erasure_id), service=_SERVICE, touched_counts=touched
        ),
    )
    event.occurred_at.FromDatetime(datetime.now(UTC))
    return event
