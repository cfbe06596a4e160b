"""What campaigns brought, as answers of the contract, cached until a fact of the venue changes."""

import json
from typing import Any

from tickettoken.customers.v1 import attribution_pb2

from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import CUSTOMER_FACTS
from libs.common.context import TenantScope
from services.customers.attribution.mapping import attribution_message, roi_message
from services.customers.attribution.questions import CampaignQuestion
from services.customers.attribution.studies import Studies
from services.customers.campaigns.campaign import Campaign
from services.customers.campaigns.reader import CampaignReader
from services.customers.namespaces import venue_namespace


class CampaignAnswers:
    """Credit and return of campaigns for callers; what they may see is checked before the cache is asked."""

    def __init__(self, campaigns: CampaignReader, studies: Studies, cache: Cache) -> None:
        self._campaigns = campaigns
        self._studies = studies
        self._cache = cache

    async def attribution(
        self, scope: TenantScope, question: CampaignQuestion
    ) -> attribution_pb2.GetCampaignAttributionResponse:
        """The campaign's credit by channel, and everybody else's.

        Raises:
            CampaignNotFound: The scope has no such campaign.
            AnalyticsError: The question could not be studied; see `Studies`.
        """
        campaign = await self._campaigns.require(scope, question.campaign_id)
        return attribution_message(question, await self._studied(scope, campaign, question))

    async def roi(
        self, scope: TenantScope, question: CampaignQuestion, margin_ratio: float
    ) -> attribution_pb2.GetCampaignRoiResponse:
        """What the campaign earned on what was spent.

        Raises:
            AnalyticsError: As `attribution`.
        """
        campaign = await self._campaigns.require(scope, question.campaign_id)
        study = await self._studied(scope, campaign, question)
        return roi_message(question, study, margin_ratio, campaign.spend)

    async def _studied(
        self, scope: TenantScope, campaign: Campaign, question: CampaignQuestion
    ) -> dict[str, Any]:
        """One study serves both answers. Its key has the campaign's state, which holds the planned time."""
        division = question.division

        async def compute() -> bytes:
            return json.dumps(await self._studies.credits(scope, campaign, division)).encode()

        key = f"credits|{campaign.campaign_id}|{campaign.etag}|{division.model}|{division.window_days}"
        answer = await self._cache.get_or_compute(
            venue_namespace(campaign.venue_id), key, CUSTOMER_FACTS.ttl, compute
        )
        study: dict[str, Any] = json.loads(answer)
        return study
