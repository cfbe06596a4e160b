"""Use case: revenue of a window beside the one before it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.buckets import Window
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from services.metrics.sales.figures import RevenueFigures, by_currency, newest_fact
from services.metrics.sales.reader import SalesFilter, SalesReader


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

    def __init__(self, sales: SalesReader, venues: Venues) -> None:
        self._sales = sales
        self._venues = venues

    async def summary(self, scope: TenantScope, window: Window, venue_id: UUID | None) -> RevenueSummary:
        """Revenue of one venue, or of every venue of the scope.

        Raises:
            VenueNotFound: The scope has no such venue.
        """
        previous = window.previous()
        if venue_id is not None:
            await self._venues.require(scope, [venue_id])
        where = SalesFilter(venue_ids=() if venue_id is None else (venue_id,))
        rows = await self._sales.rows(scope, [previous.start, window.start, window.end], where=where)
        return RevenueSummary(
            window=window,
            previous_window=previous,
            current=by_currency(row for row in rows if row.place == 1),
            previous=by_currency(row for row in rows if row.place == 0),
            as_of=newest_fact(rows),
        )
