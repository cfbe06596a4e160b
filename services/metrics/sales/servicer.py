"""gRPC: AnalyticsService's methods about sales."""

from tickettoken.metrics.v1 import performance_pb2, sales_pb2

from libs.common.context import current_caller
from services.metrics.sales.answers import SalesAnswers
from services.metrics.sales.mapping import history_question, top_question


class SalesServicer:
    """GetSalesMetrics, ListTopPerformingEvents."""

    def __init__(self, answers: SalesAnswers) -> None:
        self._answers = answers

    async def GetSalesMetrics(
        self, request: sales_pb2.GetSalesMetricsRequest, _context: object
    ) -> sales_pb2.GetSalesMetricsResponse:
        return await self._answers.over_time(current_caller().scope, history_question(request))

    async def ListTopPerformingEvents(
        self, request: performance_pb2.ListTopPerformingEventsRequest, _context: object
    ) -> performance_pb2.ListTopPerformingEventsResponse:
        return await self._answers.top(current_caller().scope, top_question(request))
