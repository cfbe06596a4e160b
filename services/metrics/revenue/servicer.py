"""gRPC: AnalyticsService's revenue methods."""

from uuid import UUID

from tickettoken.metrics.v1 import revenue_pb2

from libs.common.buckets import Window
from libs.common.context import current_caller
from libs.common.moments import moment_of
from services.metrics.revenue.answers import RevenueAnswers


class RevenueServicer:
    """GetRevenueSummary, GetRevenueByChannel."""

    def __init__(self, answers: RevenueAnswers) -> None:
        self._answers = answers

    async def GetRevenueSummary(
        self, request: revenue_pb2.GetRevenueSummaryRequest, _context: object
    ) -> revenue_pb2.GetRevenueSummaryResponse:
        window = Window.of(moment_of(request.start_date, "startDate"), moment_of(request.end_date, "endDate"))
        venue_id = UUID(request.venue_id) if request.venue_id else None
        return await self._answers.summary(current_caller().scope, window, venue_id)

    async def GetRevenueByChannel(
        self, request: revenue_pb2.GetRevenueByChannelRequest, _context: object
    ) -> revenue_pb2.GetRevenueByChannelResponse:
        window = Window.of(moment_of(request.start_date, "startDate"), moment_of(request.end_date, "endDate"))
        venue_id = UUID(request.venue_id) if request.venue_id else None
        return await self._answers.by_channel(current_caller().scope, window, venue_id)
