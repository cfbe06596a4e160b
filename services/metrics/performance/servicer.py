"""gRPC: AnalyticsService's method about the performance of shows."""

from tickettoken.metrics.v1 import performance_pb2

from libs.common.context import current_caller
from services.metrics.performance.answers import EventPerformanceAnswers


class EventPerformanceServicer:
    """GetEventPerformance."""

    def __init__(self, answers: EventPerformanceAnswers) -> None:
        self._answers = answers

    async def GetEventPerformance(
        self, request: performance_pb2.GetEventPerformanceRequest, _context: object
    ) -> performance_pb2.GetEventPerformanceResponse:
        return await self._answers.report(current_caller().scope, request)
