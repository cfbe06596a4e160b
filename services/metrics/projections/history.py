"""What a projection starts from: daily net revenue up to yesterday, and the shows around it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.buckets import Window, bucket_edges, zone
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.metrics.projections.shows import DatedShow, dated_shows
from services.metrics.sales.reader import Dimension, SalesFilter, SalesReader, SalesRow

LONGEST_HISTORY: Final = 730
"""Days that are read at most."""
MOST_SHOWS: Final = 400
"""Shows looked at, the latest ones: two years of four a week."""


@dataclass(frozen=True, slots=True)
class History:
    """Days before today; day 0 is the first one that was read."""

    time_zone: str
    today: date
    edges: tuple[datetime, ...]
    """Starts of days 0 to today, and of tomorrow."""
    net: dict[str, dict[int, int]]
    """Minor units by currency and day of those with sales; today's are there too."""
    shows: tuple[DatedShow, ...]
    as_of: datetime | None

    @property
    def day_count(self) -> int:
        """Days before today."""
        return len(self.edges) - 2

    def day_of(self, moment: datetime) -> int:
        """Number of the local day of an instant; it may lie outside the history."""
        return (moment.astimezone(ZoneInfo(self.time_zone)).date() - self.today).days + self.day_count

    def first_day(self, currency: str) -> int:
        return min(self.net[currency])


class Histories:
    """Histories of tenants, from the books and the catalog."""

    def __init__(self, database: Database, venues: Venues, sales: SalesReader) -> None:
        self._database = database
        self._venues = venues
        self._sales = sales

    async def read(self, scope: TenantScope, venue_id: UUID | None, now: datetime) -> History:
        """Two years of one venue in its zone, or of every venue of the scope in UTC.

        Raises:
            VenueNotFound: The scope has no such venue.
        """
        time_zone = "UTC"
        if venue_id is not None:
            time_zone = (await self._venues.require(scope, [venue_id]))[venue_id].time_zone
        edges = day_edges(now, zone(time_zone))
        async with self._database.transaction(scope) as conn:
            rows = await self._sales.rows_in(conn, scope.tenant_id, edges, where=_of(venue_id))
            shows = await dated_shows(conn, scope.tenant_id, venue_id, since=edges[0], limit=MOST_SHOWS)
        today = now.astimezone(ZoneInfo(time_zone)).date()
        return History(
            time_zone=time_zone,
            today=today,
            edges=tuple(edges),
            net=_net(rows),
            shows=tuple(shows),
            as_of=max((row.newest_fact_at for row in rows if row.place < len(edges) - 2), default=None),
        )

    async def sales_of_shows(
        self, scope: TenantScope, venue_id: UUID | None, history: History
    ) -> list[SalesRow]:
        """Sales by day, currency and show of the history's shows."""
        if not history.shows:
            return []
        where = SalesFilter(
            venue_ids=() if venue_id is None else (venue_id,),
            event_ids=tuple(show.event_id for show in history.shows),
        )
        return await self._sales.rows(scope, history.edges[:-1], where=where, by=frozenset({Dimension.EVENT}))


def day_edges(now: datetime, clock: ZoneInfo) -> list[datetime]:
    """Starts of the local days of the history, of today and of tomorrow."""
    start = now.astimezone(UTC) - timedelta(days=LONGEST_HISTORY)
    return bucket_edges(Window(start, now.astimezone(UTC) + timedelta(microseconds=1)), "day", clock)


def _of(venue_id: UUID | None) -> SalesFilter:
    return SalesFilter(venue_ids=() if venue_id is None else (venue_id,))


def _net(rows: Sequence[SalesRow]) -> dict[str, dict[int, int]]:
    net: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for row in rows:
        if not row.is_empty:
            net[row.currency][row.place] = row.net_minor
    return dict(net)
