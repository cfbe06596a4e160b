"""What follows from changed read models: live figures in the same transaction, fresh caches after it."""

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.metrics.live.keys import LiveKey
from services.metrics.orders.books import BookLine
from services.metrics.read_models.namespaces import namespaces_of


class LiveSales(Protocol):
    """The live figures of sales."""

    async def add(
        self, conn: AsyncConnection, tenant_id: UUID, orders: Sequence[Sequence[BookLine]]
    ) -> list[LiveKey]:
        """Count orders towards the live minutes of their sales; returns the live metrics that changed."""

    async def announce(self, tenant_id: UUID, keys: Sequence[LiveKey]) -> None:
        """Tell the feeds about live metrics whose change has committed."""


class CachedAnswers(Protocol):
    """Answers that are kept until what they were made from changes; the tenant is the current caller's."""

    async def invalidate(self, namespaces: Collection[str]) -> None:
        """Forget the answers of these namespaces."""


class Effects:
    """Carries changes of the read models to live feeds and caches."""

    def __init__(self, live: LiveSales, cache: CachedAnswers) -> None:
        self._live = live
        self._cache = cache

    async def inside(
        self, conn: AsyncConnection, tenant_id: UUID, first_sales: Sequence[Sequence[BookLine]]
    ) -> list[LiveKey]:
        """Effects that commit with the change: the live figures of orders that are in the books for the first time."""
        return await self._live.add(conn, tenant_id, first_sales) if first_sales else []

    async def after(self, tenant_id: UUID, venue_ids: Collection[UUID], live: Sequence[LiveKey]) -> None:
        """Effects once the change has committed."""
        if live:
            await self._live.announce(tenant_id, live)
        await self._cache.invalidate(namespaces_of(venue_ids))
