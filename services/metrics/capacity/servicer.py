"""gRPC: MetricsService's capacity method."""

from uuid import UUID

from tickettoken.metrics.v1 import capacity_pb2

from libs.common.context import current_caller
from services.metrics.capacity.answers import CapacityAnswers


class CapacityServicer:
    """GetCapacityMetrics."""

    def __init__(self, answers: CapacityAnswers) -> None:
        self._answers = answers

    async def GetCapacityMetrics(
        self, request: capacity_pb2.GetCapacityMetricsRequest, _context: object
    ) -> capacity_pb2.GetCapacityMetricsResponse:
        event_id = UUID(request.event_id) if request.event_id else None
        return await self._answers.report(current_caller().scope, UUID(request.venue_id), event_id)
