"""The performance of shows as answers of the contract, made anew every minute and with every fact."""

from collections.abc import Callable
from datetime import UTC, datetime

from tickettoken.metrics.v1 import performance_pb2

from libs.common.buckets import Window
from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import FACTS
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from services.metrics.namespaces import ANY_TOPIC, namespace
from services.metrics.performance.mapping import report_message
from services.metrics.performance.questions import PerformanceQuestion, question_of
from services.metrics.performance.report import EventPerformance


class EventPerformanceAnswers:
    """How shows sell, for callers; what they may see is checked before the cache is asked.

    Args:
        performance: Figures of shows.
        venues: Venues of every tenant.
        cache: Answers made before.
        now: The present instant. Answers that depend on it are kept until its minute ends.
    """

    def __init__(
        self,
        performance: EventPerformance,
        venues: Venues,
        cache: Cache,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._performance = performance
        self._venues = venues
        self._cache = cache
        self._now = now

    async def report(
        self, scope: TenantScope, request: performance_pb2.GetEventPerformanceRequest
    ) -> performance_pb2.GetEventPerformanceResponse:
        """The shows asked for.

        Raises:
            InvalidField: The window is empty or outside the calendar.
            VenueNotFound: The scope has no such venue.
            EventNotFound: The scope, or the venue, has no such show.
            WindowTooWide: More shows begin in the window than one answer holds.
        """
        now = self._now()
        question = question_of(request, now)
        if question.venue_id is not None:
            await self._venues.require(scope, [question.venue_id])

        async def compute() -> bytes:
            return report_message(await self._performance.report(scope, question, now)).SerializeToString()

        # The comparables may be of other venues, whose facts do not end an answer about this one before its
        # minute does.
        answer = await self._cache.get_or_compute(
            namespace(ANY_TOPIC, question.venue_id),
            f"performance|{_key(request, question)}|{now:%Y-%m-%dT%H:%M}",
            FACTS.ttl,
            compute,
        )
        return performance_pb2.GetEventPerformanceResponse.FromString(answer)


def _key(request: performance_pb2.GetEventPerformanceRequest, question: PerformanceQuestion) -> str:
    """What was asked; edges that follow the present instant are told by its minute."""
    if not isinstance(question.shows, Window):
        return str(question.shows)
    start = question.shows.start.isoformat() if request.HasField("start_date") else "now"
    end = question.shows.end.isoformat() if request.HasField("end_date") else "90 days"
    return f"{start}/{end}"
