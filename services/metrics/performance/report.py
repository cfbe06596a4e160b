"""Use case: how shows sell."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from libs.common.buckets import Window, WindowTooWide
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.metrics.capacity.figures import Seats
from services.metrics.errors import EventNotFound
from services.metrics.marketplace.reader import MarketplaceReader, ShowMarket
from services.metrics.performance.pacing import Pacing, PacingReader, Standings
from services.metrics.performance.questions import PerformanceQuestion
from services.metrics.performance.sales import Sales
from services.metrics.performance.shows import Show
from services.metrics.performance.store import select_one, select_starting
from services.metrics.sales.reader import Dimension, SalesFilter, SalesReader, SalesRow
from services.metrics.tickets.reader import ShowTickets, TicketReader

MOST_SHOWS: Final = 500

_FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 31, tzinfo=UTC)
_AGES: Final = (timedelta(days=7), timedelta(days=1), timedelta(hours=1), timedelta(0))


@dataclass(frozen=True, slots=True)
class ShowPerformance:
    """All figures of one show; `tickets`, `market` and `pacing` are None where nothing is known."""

    show: Show
    seats: Seats
    sales: Sales
    tickets: ShowTickets | None
    market: ShowMarket | None
    pacing: Pacing | None

    @property
    def scan_ratio(self) -> float | None:
        """Admitted over sold; None before the first scan, and where nothing is sold."""
        if self.tickets is None or not self.tickets.admitted_count or not self.seats.sold:
            return None
        return self.tickets.admitted_count / self.seats.sold

    @property
    def newest_fact_at(self) -> datetime | None:
        """Newest fact about this show; its comparables are not looked at."""
        moments = [self.show.newest_fact_at, self.sales.newest_fact_at]
        moments += [part.newest_fact_at for part in (self.tickets, self.market) if part is not None]
        return max((moment for moment in moments if moment is not None), default=None)


class EventPerformance:
    """Figures of tenants' shows, in as many statements for one show as for all."""

    def __init__(
        self,
        database: Database,
        sales: SalesReader,
        tickets: TicketReader,
        market: MarketplaceReader,
        pacing: PacingReader,
    ) -> None:
        self._database = database
        self._sales = sales
        self._tickets = tickets
        self._market = market
        self._pacing = pacing

    async def report(
        self, scope: TenantScope, question: PerformanceQuestion, now: datetime
    ) -> list[ShowPerformance]:
        """The shows asked for, by start.

        Raises:
            EventNotFound: The scope, or the venue, has no such show.
            WindowTooWide: More shows begin in the window than one answer holds.
        """
        tenant_id = scope.tenant_id
        async with self._database.transaction(scope) as conn:
            event_ids = await _event_ids(conn, tenant_id, question)
            if not event_ids:
                return []
            standings = await self._pacing.standings_in(conn, tenant_id, event_ids, now)
            sales = await self._sales_of(conn, tenant_id, event_ids, now)
            tickets = await self._tickets.by_show_in(conn, tenant_id, event_ids)
            market = await self._market.by_show_in(conn, tenant_id, event_ids)
        return list(_joined(event_ids, standings, sales, tickets, market))

    async def _sales_of(
        self, conn: Connection, tenant_id: UUID, event_ids: Sequence[UUID], now: datetime
    ) -> Mapping[UUID, Sales]:
        edges = [_FIRST, *(now - age for age in _AGES), _LAST]
        where = SalesFilter(event_ids=tuple(event_ids))
        by_show: defaultdict[UUID, list[SalesRow]] = defaultdict(list)
        for row in await self._sales.rows_in(
            conn, tenant_id, edges, where=where, by=frozenset({Dimension.EVENT})
        ):
            if row.event_id is not None:
                by_show[row.event_id].append(row)
        return {event_id: Sales(tuple(rows)) for event_id, rows in by_show.items()}


async def _event_ids(conn: Connection, tenant_id: UUID, question: PerformanceQuestion) -> list[UUID]:
    if not isinstance(question.shows, Window):
        found = await select_one(conn, tenant_id, question.shows, question.venue_id)
        if not found:
            raise EventNotFound("no such event", event_id=question.shows)
        return found
    found = await select_starting(conn, tenant_id, question.venue_id, question.shows, MOST_SHOWS)
    if len(found) > MOST_SHOWS:
        raise WindowTooWide(f"at most {MOST_SHOWS} events; ask for a shorter window", limit=MOST_SHOWS)
    return found


def _joined(
    event_ids: Iterable[UUID],
    standings: Standings,
    sales: Mapping[UUID, Sales],
    tickets: Mapping[UUID, ShowTickets],
    market: Mapping[UUID, ShowMarket],
) -> Iterable[ShowPerformance]:
    for event_id in event_ids:
        if event_id not in standings.shows or event_id not in standings.seats:
            continue  # it moved to a venue that is not granted between two statements
        yield ShowPerformance(
            show=standings.shows[event_id],
            seats=standings.seats[event_id].seats,
            sales=sales.get(event_id, Sales(())),
            tickets=tickets.get(event_id),
            market=market.get(event_id),
            pacing=standings.pacing.get(event_id),
        )
