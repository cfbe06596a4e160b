"""Use case: count the customers of a window."""

from uuid import UUID

from libs.common.buckets import Window
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.customers.counts.counts import Counts
from services.customers.counts.store import select_counts


class Counting:
    """Counts customers for callers.

    Counts are not cached here. The metrics service alone asks, for its dashboard, whose windows end at the
    instant of the question: no two are alike. It keeps the whole answer until the minute is over, shared by
    its replicas, and ends it at the facts that would end an answer here.

    Args:
        database: The service's database.
        venues: Venues of every tenant.
    """

    def __init__(self, database: Database, venues: Venues) -> None:
        self._database = database
        self._venues = venues

    async def count(self, scope: TenantScope, window: Window, venue_id: UUID | None) -> Counts:
        """Customers of one venue, or of all venues of the scope taken together.

        Raises:
            VenueNotFound: The scope has no such venue.
        """
        if venue_id is not None:
            await self._venues.require(scope, [venue_id])
        async with self._database.transaction(scope) as conn:
            return await select_counts(conn, scope.tenant_id, venue_id, window)
