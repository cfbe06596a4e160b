"""What follows from changed read models: live figures in the same transaction, fresh caches after it."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from libs.common.cache.cache import Cache
from libs.common.postgres.database import Connection
from services.metrics.live.keys import LiveKey
from services.metrics.live.values import LiveValue, LiveValues
from services.metrics.namespaces import Topic, namespaces_of


class Effects:
    """Carries changes of the read models to live feeds and caches.

    Args:
        live: Live metrics; None for events that they have counted before.
        cache: Cached answers.
    """

    def __init__(self, live: LiveValues | None, cache: Cache) -> None:
        self._live = live
        self._cache = cache

    async def inside(self, conn: Connection, tenant_id: UUID, values: Sequence[LiveValue]) -> list[LiveKey]:
        """Effects that commit with the change: values of live metrics."""
        return [] if self._live is None else await self._live.add(conn, tenant_id, values)

    async def after(
        self, tenant_id: UUID, changed: Mapping[Topic, Collection[UUID]], live: Sequence[LiveKey]
    ) -> None:
        """Effects once the change has committed."""
        if live and self._live is not None:
            await self._live.announce(tenant_id, live)
        await self._cache.invalidate(namespaces_of(changed))
