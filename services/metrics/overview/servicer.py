"""gRPC: AnalyticsService's overview methods."""

from uuid import UUID

from tickettoken.metrics.v1 import overview_pb2

from libs.common.context import current_caller
from services.metrics.overview.answers import OverviewAnswers

_DEFAULT_PERIOD = "30d"


class OverviewServicer:
    """GetRealtimeSummary, GetDashboardData."""

    def __init__(self, answers: OverviewAnswers) -> None:
        self._answers = answers

    async def GetRealtimeSummary(
        self, request: overview_pb2.GetRealtimeSummaryRequest, _context: object
    ) -> overview_pb2.GetRealtimeSummaryResponse:
        venue_id = UUID(request.venue_id) if request.venue_id else None
        return await self._answers.realtime(current_caller().scope, venue_id)

    async def GetDashboardData(
        self, request: overview_pb2.GetDashboardDataRequest, _context: object
    ) -> overview_pb2.GetDashboardDataResponse:
        venue_id = UUID(request.venue_id) if request.venue_id else None
        period = request.period or _DEFAULT_PERIOD
        return await self._answers.dashboard(current_caller().scope, period, venue_id)
