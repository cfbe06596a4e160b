"""Figures of campaigns and channels as answers of the contract, cached until a fact of the venue changes."""

from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from tickettoken.customers.v1 import attribution_pb2

from libs.common.buckets import Window, bucket_edges, microseconds
from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import CUSTOMER_FACTS
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.errors import InvalidField
from services.customers.attribution.mapping import channels_message
from services.customers.attribution.performance import Days, Wanted, performance_message
from services.customers.attribution.questions import (
    DEFAULT_MODEL,
    DEFAULT_WINDOW_DAYS,
    Division,
    moment,
)
from services.customers.attribution.studies import Studies
from services.customers.campaigns.campaign import Campaign
from services.customers.campaigns.reader import CampaignReader
from services.customers.namespaces import venue_namespace

_JOURNEYS: Final = Division(DEFAULT_MODEL, DEFAULT_WINDOW_DAYS)
"""Journeys of performance: which model divides them does not matter, since they are only counted."""


class PerformanceAnswers:
    """Figures for callers; what they may see is checked before the cache is asked."""

    def __init__(self, campaigns: CampaignReader, studies: Studies, venues: Venues, cache: Cache) -> None:
        self._campaigns = campaigns
        self._studies = studies
        self._venues = venues
        self._cache = cache

    async def campaign(
        self, scope: TenantScope, campaign_id: UUID, wanted: Wanted
    ) -> attribution_pb2.GetCampaignPerformanceResponse:
        """What a campaign reached, brought and cost, by day.

        Raises:
            CampaignNotFound: The scope has no such campaign.
            InvalidField: The window is empty.
            WindowTooWide: More than 2,000 days.
            AnalyticsError: The question could not be studied; see `Studies`.
        """
        campaign = await self._campaigns.require(scope, campaign_id)
        venue = (await self._venues.require(scope, [campaign.venue_id]))[campaign.venue_id]

        async def compute() -> bytes:
            days = await self._days(campaign, wanted, venue.time_zone)
            study = None
            if days.window is not None:
                period = range(microseconds(days.window.start), microseconds(days.window.end))
                edges = [microseconds(edge) for edge in days.edges]
                study = await self._studies.days(scope, campaign, period, _JOURNEYS, edges)
            return performance_message(campaign, days, study).SerializeToString()

        answer = await self._cache.get_or_compute(
            venue_namespace(campaign.venue_id),
            f"days|{campaign_id}|{campaign.etag}|{wanted.start}|{wanted.end}|{venue.time_zone}",
            CUSTOMER_FACTS.ttl,
            compute,
        )
        return attribution_pb2.GetCampaignPerformanceResponse.FromString(answer)

    async def channels(
        self, scope: TenantScope, venue_id: UUID, window: Window, model: str
    ) -> attribution_pb2.GetChannelPerformanceResponse:
        """How the channels of a venue did in a window.

        Raises:
            VenueNotFound: The scope has no such venue.
            AnalyticsError: The question could not be studied; see `Studies`.
        """
        await self._venues.require(scope, [venue_id])
        division = Division(model, DEFAULT_WINDOW_DAYS)
        period = range(microseconds(window.start), microseconds(window.end))

        async def compute() -> bytes:
            study = await self._studies.channels(scope, venue_id, period, division)
            return channels_message(venue_id, window, division, study).SerializeToString()

        answer = await self._cache.get_or_compute(
            venue_namespace(venue_id),
            f"channels|{window.start.isoformat()}/{window.end.isoformat()}|{model}",
            CUSTOMER_FACTS.ttl,
            compute,
        )
        return attribution_pb2.GetChannelPerformanceResponse.FromString(answer)

    async def _days(self, campaign: Campaign, wanted: Wanted, time_zone: str) -> Days:
        """The wanted window, its open ends taken from the campaign's period, cut into the venue's days."""
        whole = await self._studies.period(campaign, _JOURNEYS.window)
        start = wanted.start or (None if whole is None else moment(whole.start))
        end = wanted.end or (None if whole is None else moment(whole.stop))
        if start is None or end is None:
            return Days(None, [], time_zone, covers_campaign=True)
        if end <= start:
            raise InvalidField.of("endDate" if wanted.end else "startDate", "leaves nothing of the campaign")
        window = Window(start, end)
        edges = bucket_edges(window, "day", ZoneInfo(time_zone))
        covers = whole is None or (start <= moment(whole.start) and end >= moment(whole.stop))
        return Days(window, edges, time_zone, covers_campaign=covers)
