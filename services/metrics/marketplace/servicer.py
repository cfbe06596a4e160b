"""gRPC: AnalyticsService's marketplace method."""

from uuid import UUID

from tickettoken.metrics.v1 import marketplace_pb2

from libs.common.context import current_caller
from libs.common.moments import moment_of
from services.metrics.marketplace.answers import MarketplaceAnswers


class MarketplaceServicer:
    """GetMarketplaceActivity."""

    def __init__(self, answers: MarketplaceAnswers) -> None:
        self._answers = answers

    async def GetMarketplaceActivity(
        self, request: marketplace_pb2.GetMarketplaceActivityRequest, _context: object
    ) -> marketplace_pb2.GetMarketplaceActivityResponse:
        return await self._answers.activity(
            current_caller().scope,
            moment_of(request.start_date, "startDate") if request.HasField("start_date") else None,
            moment_of(request.end_date, "endDate") if request.HasField("end_date") else None,
            venue_id=UUID(request.venue_id) if request.venue_id else None,
            event_id=UUID(request.event_id) if request.event_id else None,
        )
