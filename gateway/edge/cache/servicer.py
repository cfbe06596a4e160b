"""CacheService: statistics and flushing, for the tenant of the token."""

from datetime import UTC, datetime

from tickettoken.gateway.v1 import cache_service_pb2 as pb

from gateway.edge.moments import timestamp
from libs.common.cache.administration import CacheAdministration
from libs.common.cache.statistics import CacheStatistics
from libs.common.context import current_caller
from libs.common.rpc.call import Context


class CacheServicer:
    """Asks and tells the caches through what they share."""

    def __init__(self, caches: CacheAdministration) -> None:
        self._caches = caches

    async def GetCacheStats(
        self, _request: pb.GetCacheStatsRequest, _context: Context
    ) -> pb.GetCacheStatsResponse:
        by_service = await self._caches.statistics(current_caller().tenant_id)
        return pb.GetCacheStatsResponse(
            services=[_message(service, counts) for service, counts in by_service.items()],
            total=_message("", sum(by_service.values(), CacheStatistics())),
            as_of=timestamp(datetime.now(UTC)),
        )

    async def FlushCache(self, request: pb.FlushCacheRequest, _context: Context) -> pb.FlushCacheResponse:
        count = await self._caches.flush(current_caller().tenant_id, request.pattern)
        return pb.FlushCacheResponse(flushed_namespace_count=count)


def _message(service: str, counts: CacheStatistics) -> pb.CacheStats:
    return pb.CacheStats(
        service=service,
        hit_count=counts.hits,
        miss_count=counts.misses,
        error_count=counts.errors,
        invalidation_count=counts.invalidations,
        hit_ratio=counts.hit_ratio,
    )
