"""gRPC: AnalyticsService's venues over time."""

from typing import cast
from uuid import UUID

from tickettoken.metrics.v1 import performance_pb2

from libs.common.buckets import Window
from libs.common.context import current_caller
from libs.common.moments import moment_of
from services.metrics.daily.answers import PerformanceAnswers
from services.metrics.daily.periods import Granularity


class VenuePerformanceServicer:
    """ListVenuePerformance."""

    def __init__(self, answers: PerformanceAnswers) -> None:
        self._answers = answers

    async def ListVenuePerformance(
        self, request: performance_pb2.ListVenuePerformanceRequest, _context: object
    ) -> performance_pb2.ListVenuePerformanceResponse:
        window = Window.of(moment_of(request.start_date, "startDate"), moment_of(request.end_date, "endDate"))
        granularity = cast("Granularity", request.granularity or "day")
        venue_id = UUID(request.venue_id) if request.venue_id else None
        return await self._answers.report(current_caller().scope, window, granularity, venue_id)
