"""Use case: the shows with the best sales of a window."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from libs.common.buckets import Window
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.metrics.capacity.report import Capacity
from services.metrics.sales.figures import RevenueFigures, by_currency, newest_fact
from services.metrics.sales.ranking import Ranked
from services.metrics.sales.reader import Dimension, SalesFilter, SalesReader
from services.metrics.sales.shows_store import select_shows
from services.metrics.sales.standings import (
    OrderBy,
    Sold,
    Standing,
    by_revenue,
    by_standing,
    by_tickets,
    sold_by_show,
)
from services.metrics.sales.velocity import tickets_per_day

_MINUTE: Final = timedelta(minutes=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RankedShow:
    """One show, its rank, and its sales of the window: of the rank's currency, or of all."""

    rank: int
    event_id: UUID
    figures: tuple[RevenueFigures, ...]
    ticket_count: int
    standing: Standing


@dataclass(frozen=True, slots=True)
class TopEvents:
    """Shows by rank; by revenue: by currency, then by rank."""

    shows: tuple[RankedShow, ...]
    as_of: datetime | None


class Rankings:
    """Ranks shows that had a sale in a window.

    Args:
        database: The service's database.
        sales: Sales of tenants.
        capacity: Seats of shows.
        now: The present instant; only its minute counts.
    """

    def __init__(
        self,
        database: Database,
        sales: SalesReader,
        capacity: Capacity,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._sales = sales
        self._capacity = capacity
        self._now = now

    def elapsed(self, window: Window) -> datetime:
        """Until when sales of the window are counted as time on sale: its end, or that of this minute."""
        now = self._now()
        return min(window.end, now + (_EPOCH - now) % _MINUTE)

    async def top(
        self, scope: TenantScope, window: Window, order_by: OrderBy, limit: int, venue_id: UUID | None = None
    ) -> TopEvents:
        """The best shows; by revenue, the best of each currency.

        Shows without the figure to rank by (no capacity is known, or never on sale) are left out.

        Args:
            scope: Whose shows; a venue grant limits them.
            window: Sales to count.
            order_by: What to rank by.
            limit: Most shows; by revenue, most shows of each currency.
            venue_id: Only sales of this venue.
        """
        where = SalesFilter(venue_ids=() if venue_id is None else (venue_id,))
        async with self._database.transaction(scope) as conn:
            rows = await self._sales.rows_in(
                conn,
                scope.tenant_id,
                [window.start, window.end],
                where=where,
                by=frozenset({Dimension.EVENT}),
            )
            sold = sold_by_show(rows)
            if order_by in (OrderBy.REVENUE, OrderBy.TICKETS):
                entries = by_revenue(sold, limit) if order_by is OrderBy.REVENUE else by_tickets(sold, limit)
                shown = {entry.key for _, entry in entries}
                standings = await self._standings(conn, scope.tenant_id, window, sold, shown)
            else:
                standings = await self._standings(conn, scope.tenant_id, window, sold, sold)
                entries = by_standing(standings, order_by, limit)
        shows = tuple(_ranked_show(entry, sold, standings, currency) for currency, entry in entries)
        return TopEvents(shows, _newest(shows, sold))

    async def _standings(
        self,
        conn: Connection,
        tenant_id: UUID,
        window: Window,
        sold: dict[UUID, Sold],
        event_ids: Collection[UUID],
    ) -> dict[UUID, Standing]:
        until = self.elapsed(window)
        shows = await select_shows(conn, tenant_id, event_ids, window.end)
        seats = await self._capacity.seats_in(conn, tenant_id, list(shows))
        standings = {event_id: Standing(None, None, None) for event_id in event_ids}
        for event_id, show in shows.items():
            total = seats[event_id].seats.total if event_id in seats else None
            velocity = None
            if until > window.start:
                velocity = tickets_per_day(
                    sold[event_id].ticket_count,
                    Window(window.start, until),
                    sold_from=show.on_sale_at,
                    sold_until=show.doors_at,
                )
            standings[event_id] = Standing(show, show.sold_count / total if total else None, velocity)
        return standings


def _ranked_show(
    entry: Ranked, sold: dict[UUID, Sold], standings: dict[UUID, Standing], currency: str
) -> RankedShow:
    """The entry with its figures: of one currency where that is given."""
    own = sold[entry.key]
    return RankedShow(
        rank=entry.rank,
        event_id=entry.key,
        figures=by_currency(row for row in own.rows if currency in ("", row.currency)),
        ticket_count=own.ticket_count,
        standing=standings[entry.key],
    )


def _newest(shows: Iterable[RankedShow], sold: dict[UUID, Sold]) -> datetime | None:
    moments = [newest_fact(sold[one.event_id].rows) for one in shows]
    moments += [one.standing.show.newest_fact_at for one in shows if one.standing.show is not None]
    return max((moment for moment in moments if moment is not None), default=None)
