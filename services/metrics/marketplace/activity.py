"""Use case: the secondary market over a window."""

from uuid import UUID

from libs.common.buckets import Window
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.metrics.errors import EventNotFound
from services.metrics.marketplace.activity_store import newest_before, select_activity, show_exists
from services.metrics.marketplace.figures import MarketActivity


class Marketplace:
    """The secondary market of tenants, from listings and resales themselves: exact wherever a window lies."""

    def __init__(self, database: Database, venues: Venues) -> None:
        self._database = database
        self._venues = venues

    async def activity(
        self, scope: TenantScope, window: Window, *, venue_id: UUID | None, event_id: UUID | None
    ) -> MarketActivity:
        """Activity of one show, one venue, or every venue of the scope.

        Raises:
            VenueNotFound: The scope has no such venue.
            EventNotFound: The scope, or the venue, has no such show.
        """
        if venue_id is not None:
            await self._venues.require(scope, [venue_id])
        async with self._database.transaction(scope) as conn:
            if event_id is not None and not await show_exists(conn, scope.tenant_id, event_id, venue_id):
                raise EventNotFound("no such event", event_id=event_id)
            as_of = await newest_before(conn, scope.tenant_id, event_id, venue_id, window.end)
            totals, shows = await select_activity(conn, scope.tenant_id, event_id, venue_id, window)
        return MarketActivity(window, totals, shows, as_of)
