"""What an administrator of a tenant may see and do: how the caches did, and forgetting answers by pattern."""

import fnmatch
import os
import time
from uuid import UUID

from redis.asyncio import Redis

from libs.common.cache import keys
from libs.common.cache.envelope import VERSION_BYTES
from libs.common.cache.keys import Place
from libs.common.cache.lifetimes import LONGEST
from libs.common.cache.statistics import COUNTERS, CacheStatistics
from libs.common.errors import AnalyticsError, DependencyUnavailable, Kind
from libs.common.redis import FAILURES, execute

PROTECTED = ("counter", "session", "realtime", "analytics", "idempotency", "limits", "lock")


class CacheKeyProtected(AnalyticsError):
    """The pattern names keys that are facts and no cache: counters, sessions, feeds."""

    kind = Kind.FAILED_PRECONDITION
    reason = "CACHE_KEY_PROTECTED"


class CacheAdministration:
    """The caches of all services, as far as the tenant's own index names them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def statistics(self, tenant_id: UUID) -> dict[str, CacheStatistics]:
        """Counts of each service that cached something for the tenant, by service.

        Raises:
            DependencyUnavailable: Redis does not answer.
        """
        try:
            services = sorted({member.partition(":")[0] for member in await self._namespaces(tenant_id)})
            pipeline = self._redis.pipeline(transaction=False)
            for service in services:
                pipeline.hmget(keys.statistics(tenant_id, service), list(COUNTERS))
            rows = await pipeline.execute()
        except FAILURES as error:
            raise DependencyUnavailable("the cache store is not reachable", dependency="redis") from error
        return {
            service: CacheStatistics(**{name: int(n or 0) for name, n in zip(COUNTERS, row, strict=True)})
            for service, row in zip(services, rows, strict=True)
        }

    async def flush(self, tenant_id: UUID, pattern: str = "") -> int:
        """How many namespaces were forgotten: those of the tenant whose `service:namespace` fits the pattern.

        Args:
            tenant_id: Whose answers.
            pattern: `*` stands for any text; empty means all.

        Raises:
            CacheKeyProtected: The pattern names something that is no cache; nothing was forgotten.
            DependencyUnavailable: Redis does not answer.
        """
        if pattern.partition(":")[0] in PROTECTED:
            raise CacheKeyProtected("counters, sessions and feeds are no cache", pattern=pattern)
        literal = "".join(f"[{c}]" if c in "?[" else c for c in pattern or "*")
        try:
            matching = [m for m in await self._namespaces(tenant_id) if fnmatch.fnmatchcase(m, literal)]
            await self._forget(tenant_id, matching)
        except FAILURES as error:
            raise DependencyUnavailable("the cache store is not reachable", dependency="redis") from error
        return len(matching)

    async def _namespaces(self, tenant_id: UUID) -> list[str]:
        """Members of the tenant's index that can still hold answers."""
        index = keys.index(tenant_id)
        await self._redis.zremrangebyscore(index, "-inf", time.time() - LONGEST.total_seconds())
        members: list[bytes] = await execute(self._redis, "ZRANGE", index, 0, -1)
        return [member.decode() for member in members]

    async def _forget(self, tenant_id: UUID, members: list[str]) -> None:
        pipeline = self._redis.pipeline(transaction=True)
        for member in members:
            service, _, namespace = member.partition(":")
            place = Place(tenant_id, service, namespace)
            pipeline.set(place.version, os.urandom(VERSION_BYTES), ex=2 * int(LONGEST.total_seconds()))
            pipeline.publish(keys.invalidations(service), f"{tenant_id} {namespace}")
        await pipeline.execute()
