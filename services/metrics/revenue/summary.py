"""Use case: revenue of a window beside the one before it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.metrics.catalog.venues import Venues
from services.metrics.revenue.figures import RevenueFigures
from services.metrics.revenue.store import select_revenue
from services.metrics.revenue.windows import Window


@dataclass(frozen=True, slots=True)
class RevenueSummary:
    """Figures by currency of a window and of the window of equal length before it."""

    window: Window
    previous_window: Window
    current: tuple[RevenueFigures, ...]
    previous: tuple[RevenueFigures, ...]
    as_of: datetime | None


class Revenue:
    """Revenue of tenants, read from their books."""

    def __init__(self, database: Database, venues: Venues) -> None:
        self._database = database
        self._venues = venues

    async def summary(self, scope: TenantScope, window: Window, venue_id: UUID | None) -> RevenueSummary:
        """Revenue of one venue, or of every venue of the scope.

        Raises:
            VenueNotFound: The scope has no such venue.
        """
        previous = window.before()
        if venue_id is not None:
            await self._venues.require(scope, [venue_id])
        async with self._database.transaction(scope) as conn:
            now, then = await select_revenue(conn, scope.tenant_id, venue_id, [window, previous])
        return RevenueSummary(
            window=window,
            previous_window=previous,
            current=now.figures,
            previous=then.figures,
            as_of=max((moment for moment in (now.as_of, then.as_of) if moment), default=None),
        )
