"""Venues over time as answers of the contract, cached until a fact of the venue changes them."""

from uuid import UUID

from tickettoken.metrics.v1 import performance_pb2

from libs.common.buckets import Window
from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import FACTS
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from services.metrics.daily.mapping import performance_message
from services.metrics.daily.performance import VenuePerformance
from services.metrics.daily.periods import Granularity
from services.metrics.namespaces import ANY_TOPIC, namespace


class PerformanceAnswers:
    """Venues over time for callers; what they may see is checked before the cache is asked."""

    def __init__(self, performance: VenuePerformance, venues: Venues, cache: Cache) -> None:
        self._performance = performance
        self._venues = venues
        self._cache = cache

    async def report(
        self, scope: TenantScope, window: Window, granularity: Granularity, venue_id: UUID | None
    ) -> performance_pb2.ListVenuePerformanceResponse:
        """Every period of the window for the venues that have something in it.

        Raises:
            VenueNotFound: The scope has no such venue.
            WindowTooWide: More periods than one answer holds.
        """
        if venue_id is not None:
            await self._venues.require(scope, [venue_id])

        async def compute() -> bytes:
            found = await self._performance.report(scope, window, granularity, venue_id)
            return performance_message(found, granularity).SerializeToString()

        answer = await self._cache.get_or_compute(
            namespace(ANY_TOPIC, venue_id),
            f"venues/{granularity}/{window.start.isoformat()}/{window.end.isoformat()}",
            FACTS.ttl,
            compute,
        )
        return performance_pb2.ListVenuePerformanceResponse.FromString(answer)
