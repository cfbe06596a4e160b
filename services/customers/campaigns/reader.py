"""Use cases: read campaigns."""

from collections.abc import Sequence
from uuid import UUID

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.customers.campaigns.campaign import Campaign
from services.customers.campaigns.documents import CampaignDocuments, Place
from services.customers.campaigns.store import read_campaign
from services.customers.errors import CampaignNotFound


class CampaignReader:
    """Campaigns for callers: what their tenant and venue grant do not cover does not exist."""

    def __init__(self, database: Database, documents: CampaignDocuments, venues: Venues) -> None:
        self._database = database
        self._documents = documents
        self._venues = venues

    async def require(self, scope: TenantScope, campaign_id: UUID) -> Campaign:
        """The campaign.

        Raises:
            CampaignNotFound: The scope has no such campaign.
            DependencyUnavailable: MongoDB is not reachable.
        """
        campaign = await self._documents.get(campaign_id)
        if campaign is None or not scope.allows(campaign.venue_id):
            raise CampaignNotFound("no such campaign", campaign_id=campaign_id)
        return campaign

    async def of_venue(
        self, scope: TenantScope, venue_id: UUID, *, status: str, kind: str, after: Place | None, limit: int
    ) -> Sequence[Campaign]:
        """At most `limit` campaigns of a venue after a place, the newest first; empty filters: all.

        Raises:
            VenueNotFound: The scope has no such venue.
            DependencyUnavailable: MongoDB is not reachable.
        """
        await self._venues.require(scope, [venue_id])
        return await self._documents.of_venue(venue_id, status=status, kind=kind, after=after, limit=limit)

    async def require_command(self, scope: TenantScope, venue_id: UUID, campaign_id: UUID) -> None:
        """Return when the venue has the campaign, by its command row: MongoDB need not be there.

        Raises:
            CampaignNotFound: The scope has no such campaign at this venue.
        """
        async with self._database.transaction(scope) as conn:
            campaign = await read_campaign(conn, scope.tenant_id, campaign_id)
        if campaign is None or campaign.venue_id != venue_id:
            raise CampaignNotFound("the venue has no such campaign", campaign_id=campaign_id)
