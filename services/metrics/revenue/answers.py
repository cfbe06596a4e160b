"""Revenue as answers of the contract, cached until an order of the tenant changes."""

from uuid import UUID

from tickettoken.metrics.v1 import revenue_pb2

from libs.common.buckets import Window
from libs.common.cache.cache import Cache
from libs.common.cache.lifetimes import REVENUE
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from services.metrics.namespaces import Topic, namespace
from services.metrics.revenue.channels import Channels
from services.metrics.revenue.mapping import channels_message, summary_message
from services.metrics.revenue.summary import Revenue


class RevenueAnswers:
    """Revenue for callers; what they may see is checked before the cache is asked."""

    def __init__(self, revenue: Revenue, channels: Channels, venues: Venues, cache: Cache) -> None:
        self._revenue = revenue
        self._channels = channels
        self._venues = venues
        self._cache = cache

    async def summary(
        self, scope: TenantScope, window: Window, venue_id: UUID | None
    ) -> revenue_pb2.GetRevenueSummaryResponse:
        """Revenue of the window and the one before.

        Raises:
            VenueNotFound: The scope has no such venue.
            InvalidField: There is no room for the window before.
        """
        window.previous()
        if venue_id is not None:
            await self._venues.require(scope, [venue_id])

        async def compute() -> bytes:
            summary = await self._revenue.summary(scope, window, venue_id)
            return summary_message(summary).SerializeToString()

        answer = await self._cache.get_or_compute(
            namespace(Topic.REVENUE, venue_id),
            f"{window.start.isoformat()}/{window.end.isoformat()}",
            REVENUE.ttl,
            compute,
        )
        return revenue_pb2.GetRevenueSummaryResponse.FromString(answer)

    async def by_channel(
        self, scope: TenantScope, window: Window, venue_id: UUID | None
    ) -> revenue_pb2.GetRevenueByChannelResponse:
        """Revenue of the window by channel.

        Raises:
            VenueNotFound: The scope has no such venue.
        """
        if venue_id is not None:
            await self._venues.require(scope, [venue_id])

        async def compute() -> bytes:
            revenue = await self._channels.revenue(scope, window, venue_id)
            return channels_message(revenue).SerializeToString()

        answer = await self._cache.get_or_compute(
            namespace(Topic.REVENUE, venue_id),
            f"channels|{window.start.isoformat()}/{window.end.isoformat()}",
            REVENUE.ttl,
            compute,
        )
        return revenue_pb2.GetRevenueByChannelResponse.FromString(answer)
