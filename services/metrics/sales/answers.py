"""Sales as answers of the contract, cached until an order or a description changes them."""

from tickettoken.metrics.v1 import performance_pb2, sales_pb2

from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import REVENUE
from libs.common.catalog.clocks import clock_of
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from services.metrics.namespaces import Topic, namespace
from services.metrics.sales.mapping import history_message, top_message
from services.metrics.sales.over_time import SalesHistory
from services.metrics.sales.questions import HistoryQuestion, TopQuestion
from services.metrics.sales.top_events import Rankings


class SalesAnswers:
    """Sales for callers; what they may see is checked before the cache is asked."""

    def __init__(self, history: SalesHistory, rankings: Rankings, venues: Venues, cache: Cache) -> None:
        self._history = history
        self._rankings = rankings
        self._venues = venues
        self._cache = cache

    async def over_time(
        self, scope: TenantScope, question: HistoryQuestion
    ) -> sales_pb2.GetSalesMetricsResponse:
        """Sales in buckets of the clock asked for.

        Raises:
            VenueNotFound: The scope has no such venue.
            EventNotFound: The scope, or the venue, has no such show.
            InvalidField: The zone is unknown.
            WindowTooWide: Too many buckets.
        """
        about = () if question.venue_id is None else (question.venue_id,)
        clock = await clock_of(self._venues, scope, about, time_zone=question.time_zone)

        async def compute() -> bytes:
            history = await self._history.over_time(scope, question, clock)
            return history_message(history, question.granularity, clock.key).SerializeToString()

        window = question.window
        key = f"{window.start.isoformat()}/{window.end.isoformat()}|{question.event_id or ''}"
        answer = await self._cache.get_or_compute(
            namespace(Topic.REVENUE, question.venue_id),
            f"buckets|{question.granularity}|{clock.key}|{key}",
            REVENUE.ttl,
            compute,
        )
        return sales_pb2.GetSalesMetricsResponse.FromString(answer)

    async def top(
        self, scope: TenantScope, question: TopQuestion
    ) -> performance_pb2.ListTopPerformingEventsResponse:
        """The best shows; a window that has not ended is answered anew every minute.

        Raises:
            VenueNotFound: The scope has no such venue.
        """
        if question.venue_id is not None:
            await self._venues.require(scope, [question.venue_id])

        async def compute() -> bytes:
            top = await self._rankings.top(
                scope, question.window, question.order_by, question.limit, question.venue_id
            )
            return top_message(top).SerializeToString()

        window, until = question.window, self._rankings.elapsed(question.window)
        key = f"{window.start.isoformat()}/{window.end.isoformat()}/{until.isoformat()}"
        answer = await self._cache.get_or_compute(
            namespace(Topic.REVENUE, question.venue_id),
            f"top|{question.order_by}|{question.limit}|{key}",
            REVENUE.ttl,
            compute,
        )
        return performance_pb2.ListTopPerformingEventsResponse.FromString(answer)
