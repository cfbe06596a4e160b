"""The overview as answers of the contract, cached within a minute until a fact changes them."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from tickettoken.metrics.v1 import overview_pb2

from libs.common.buckets import zone
from libs.common.cache.cache import Cache
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from services.metrics.namespaces import ANY_TOPIC, namespace
from services.metrics.overview.dashboard import Dashboards
from services.metrics.overview.mapping import dashboard_message, realtime_message
from services.metrics.overview.realtime import Realtime
from services.metrics.overview.windows import GRANULARITIES

_OLDEST: Final = timedelta(minutes=1)


class OverviewAnswers:
    """The overview for callers; what they may see is checked before the cache is asked.

    The minute is part of the key, so that no answer outlives it; each is computed for the instant of its
    computation, which is after every change that the cache has been told of.
    """

    def __init__(
        self,
        realtime: Realtime,
        dashboards: Dashboards,
        venues: Venues,
        cache: Cache,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._realtime = realtime
        self._dashboards = dashboards
        self._venues = venues
        self._cache = cache
        self._now = now

    async def realtime(
        self, scope: TenantScope, venue_id: UUID | None
    ) -> overview_pb2.GetRealtimeSummaryResponse:
        """Today so far.

        Raises:
            VenueNotFound: The scope has no such venue.
        """
        clock = await self._clock(scope, venue_id)

        async def compute() -> bytes:
            summary = await self._realtime.summary(scope, venue_id, clock)
            return realtime_message(summary, clock.key).SerializeToString()

        answer = await self._cached(venue_id, f"realtime|{clock.key}", compute)
        return overview_pb2.GetRealtimeSummaryResponse.FromString(answer)

    async def dashboard(
        self, scope: TenantScope, period: str, venue_id: UUID | None
    ) -> overview_pb2.GetDashboardDataResponse:
        """The overview page.

        Raises:
            VenueNotFound: The scope has no such venue.
        """
        clock = await self._clock(scope, venue_id)

        async def compute() -> bytes:
            data = await self._dashboards.data(scope, period, venue_id, clock)
            return dashboard_message(data, GRANULARITIES[period], clock.key).SerializeToString()

        answer = await self._cached(venue_id, f"dashboard|{period}|{clock.key}", compute)
        return overview_pb2.GetDashboardDataResponse.FromString(answer)

    async def _cached(
        self, venue_id: UUID | None, question: str, compute: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        minute = self._now().replace(second=0, microsecond=0).isoformat()
        return await self._cache.get_or_compute(
            namespace(ANY_TOPIC, venue_id), f"{question}|{minute}", _OLDEST, compute
        )

    async def _clock(self, scope: TenantScope, venue_id: UUID | None) -> ZoneInfo:
        if venue_id is None:
            return zone("UTC")
        venue = (await self._venues.require(scope, [venue_id]))[venue_id]
        return zone(venue.time_zone)
