"""Trends of sales as answers of the contract, cached until an order changes them or a period ends."""

from collections.abc import Callable
from datetime import UTC, datetime

from tickettoken.metrics.v1 import sales_pb2

from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import REVENUE
from libs.common.catalog.clocks import clock_of
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from services.metrics.namespaces import Topic, namespace
from services.metrics.sales_trends.mapping import trends_message
from services.metrics.sales_trends.periods import whole_periods
from services.metrics.sales_trends.questions import question_of
from services.metrics.sales_trends.report import TrendsOfSales


class SalesTrendsAnswers:
    """Trends of sales for callers; what they may see is checked before the cache is asked."""

    def __init__(
        self,
        trends: TrendsOfSales,
        venues: Venues,
        cache: Cache,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._trends = trends
        self._venues = venues
        self._cache = cache
        self._now = now

    async def trends(
        self, scope: TenantScope, request: sales_pb2.GetSalesTrendsRequest
    ) -> sales_pb2.GetSalesTrendsResponse:
        """Trends over the whole periods of a window that are over.

        Raises:
            InvalidField: The window is empty or outside the calendar, or the zone is unknown.
            VenueNotFound: The scope has no such venue.
            EventNotFound: The scope, or the venue, has no such show.
            WindowTooWide: Too many periods.
        """
        now = self._now()
        question = question_of(request, now)
        about = () if question.venue_id is None else (question.venue_id,)
        clock = await clock_of(self._venues, scope, about, time_zone=question.time_zone)
        edges = whole_periods(question.window, question.granularity, clock, now)

        async def compute() -> bytes:
            trends = await self._trends.over(scope, question, edges, clock)
            return trends_message(trends, question.granularity, clock.key).SerializeToString()

        periods = f"{edges[0].isoformat()}/{edges[-1].isoformat()}" if edges else ""
        answer = await self._cache.get_or_compute(
            namespace(Topic.REVENUE, question.venue_id),
            f"trends|{question.granularity}|{clock.key}|{periods}|{question.event_id or ''}",
            REVENUE.ttl,
            compute,
        )
        return sales_pb2.GetSalesTrendsResponse.FromString(answer)
