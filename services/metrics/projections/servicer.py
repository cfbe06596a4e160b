"""gRPC: AnalyticsService's projection method."""

from typing import Final
from uuid import UUID

from tickettoken.metrics.v1 import projections_pb2

from libs.common.context import current_caller
from services.metrics.projections.answers import Projections

_DAYS: Final = 30


class ProjectionsServicer:
    """GetRevenueProjections."""

    def __init__(self, projections: Projections) -> None:
        self._projections = projections

    async def GetRevenueProjections(
        self, request: projections_pb2.GetRevenueProjectionsRequest, _context: object
    ) -> projections_pb2.GetRevenueProjectionsResponse:
        days = request.days if request.HasField("days") else _DAYS
        venue_id = UUID(request.venue_id) if request.venue_id else None
        return await self._projections.project(current_caller().scope, venue_id, days)
