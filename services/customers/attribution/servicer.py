"""gRPC: CampaignsService's figures."""

from uuid import UUID

from tickettoken.customers.v1 import attribution_pb2

from libs.common.buckets import Window
from libs.common.context import current_caller
from libs.common.moments import moment_of
from services.customers.attribution.campaign_answers import CampaignAnswers
from services.customers.attribution.performance import Wanted
from services.customers.attribution.performance_answers import PerformanceAnswers
from services.customers.attribution.questions import (
    DEFAULT_MODEL,
    DEFAULT_WINDOW_DAYS,
    CampaignQuestion,
    Division,
)


class AttributionServicer:
    """GetCampaignAttribution, GetCampaignRoi, GetCampaignPerformance, GetChannelPerformance."""

    def __init__(self, campaigns: CampaignAnswers, performance: PerformanceAnswers) -> None:
        self._campaigns = campaigns
        self._performance = performance

    async def GetCampaignAttribution(
        self, request: attribution_pb2.GetCampaignAttributionRequest, _context: object
    ) -> attribution_pb2.GetCampaignAttributionResponse:
        return await self._campaigns.attribution(current_caller().scope, _question(request))

    async def GetCampaignRoi(
        self, request: attribution_pb2.GetCampaignRoiRequest, _context: object
    ) -> attribution_pb2.GetCampaignRoiResponse:
        margin = request.margin_ratio if request.HasField("margin_ratio") else 1.0
        return await self._campaigns.roi(current_caller().scope, _question(request), margin)

    async def GetCampaignPerformance(
        self, request: attribution_pb2.GetCampaignPerformanceRequest, _context: object
    ) -> attribution_pb2.GetCampaignPerformanceResponse:
        wanted = Wanted(
            moment_of(request.start_date, "startDate") if request.HasField("start_date") else None,
            moment_of(request.end_date, "endDate") if request.HasField("end_date") else None,
        )
        return await self._performance.campaign(current_caller().scope, UUID(request.campaign_id), wanted)

    async def GetChannelPerformance(
        self, request: attribution_pb2.GetChannelPerformanceRequest, _context: object
    ) -> attribution_pb2.GetChannelPerformanceResponse:
        window = Window.of(moment_of(request.start_date, "startDate"), moment_of(request.end_date, "endDate"))
        model = request.model or DEFAULT_MODEL
        return await self._performance.channels(current_caller().scope, UUID(request.venue_id), window, model)


def _question(
    request: attribution_pb2.GetCampaignAttributionRequest | attribution_pb2.GetCampaignRoiRequest,
) -> CampaignQuestion:
    days = request.window_days if request.HasField("window_days") else DEFAULT_WINDOW_DAYS
    return CampaignQuestion(UUID(request.campaign_id), Division(request.model or DEFAULT_MODEL, days))
