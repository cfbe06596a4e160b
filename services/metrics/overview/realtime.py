"""Use case: today until now beside the same weekday of last week until the same local time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.buckets import Window
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.metrics.capacity.report import Capacity, DatedSeats
from services.metrics.overview.comparisons import ComparedCount, ComparedMoney, compared_net
from services.metrics.overview.traffic import ComparedTraffic, Traffic
from services.metrics.overview.windows import MICROSECOND, Windows, today_and_a_week_before, whole_day
from services.metrics.sales.figures import by_currency, newest_fact
from services.metrics.sales.reader import SalesFilter, SalesReader
from services.metrics.tickets.reader import TicketReader
from services.metrics.visits.reader import VisitReader

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RealtimeSummary:
    """Today so far; `traffic` is that of the two windows."""

    windows: Windows
    orders: ComparedCount
    tickets: ComparedCount
    net_revenue: tuple[ComparedMoney, ...]
    orders_last_hour_count: int
    scans: ComparedCount
    traffic: ComparedTraffic
    active_session_count: int
    shows: DatedSeats
    as_of: datetime | None


class Realtime:
    """Today of tenants. Statements run in two transactions side by side, so a call holds two connections.

    Args:
        database: The service's database.
        sales: Sales.
        visits: Sessions that are active.
        traffic: Sessions of windows.
        tickets: Admissions.
        capacity: Seats.
        now: The present instant.
    """

    def __init__(
        self,
        database: Database,
        *,
        sales: SalesReader,
        visits: VisitReader,
        traffic: Traffic,
        tickets: TicketReader,
        capacity: Capacity,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._sales = sales
        self._visits = visits
        self._traffic = traffic
        self._tickets = tickets
        self._capacity = capacity
        self._now = now

    async def summary(self, scope: TenantScope, venue_id: UUID | None, clock: ZoneInfo) -> RealtimeSummary:
        """Today of one venue, or of every venue of the scope.

        Args:
            scope: Whose facts; a venue grant limits them.
            venue_id: Only this venue.
            clock: Whose midnight counts.
        """
        now = self._now()
        windows = today_and_a_week_before(now, clock)
        own = () if venue_id is None else (venue_id,)
        sold, seen = await asyncio.gather(
            self._sold(scope, windows, own), self._seen(scope, windows, venue_id, whole_day(now, clock), now)
        )
        moments = (sold.as_of, seen.as_of, seen.traffic.as_of, seen.shows.as_of)
        return RealtimeSummary(
            windows=windows,
            orders=sold.orders,
            tickets=sold.tickets,
            net_revenue=sold.net_revenue,
            orders_last_hour_count=sold.orders_last_hour_count,
            scans=seen.scans,
            traffic=seen.traffic,
            active_session_count=seen.active_session_count,
            shows=seen.shows,
            as_of=max((moment for moment in moments if moment is not None), default=None),
        )

    async def _sold(self, scope: TenantScope, windows: Windows, venue_ids: tuple[UUID, ...]) -> "_Sold":
        where = SalesFilter(venue_ids=venue_ids)
        today, before = windows.current, windows.previous
        hour_ago = today.end - MICROSECOND - _HOUR
        # Just after midnight the last hour begins before today: the edges cut both out of one statement.
        edges = sorted({today.start, hour_ago, today.end})
        async with self._database.transaction(scope) as conn:
            rows = await self._sales.rows_in(conn, scope.tenant_id, edges, where=where)
            earlier = await self._sales.rows_in(
                conn, scope.tenant_id, [before.start, before.end], where=where
            )
        current = [row for row in rows if edges[row.place] >= today.start]
        lately = [row for row in rows if edges[row.place] >= hour_ago]
        return _Sold(
            orders=ComparedCount(
                sum(row.order_count for row in current), sum(row.order_count for row in earlier)
            ),
            tickets=ComparedCount(
                sum(row.ticket_count for row in current), sum(row.ticket_count for row in earlier)
            ),
            net_revenue=compared_net(by_currency(current), by_currency(earlier)),
            orders_last_hour_count=sum(row.order_count for row in lately),
            as_of=newest_fact([*rows, *earlier]),
        )

    async def _seen(
        self, scope: TenantScope, windows: Windows, venue_id: UUID | None, day: Window, now: datetime
    ) -> "_Seen":
        own = () if venue_id is None else (venue_id,)
        tenant_id = scope.tenant_id
        async with self._database.transaction(scope) as conn:
            traffic = await self._traffic.compared_in(conn, scope, windows, venue_id=venue_id, now=now)
            current = await self._admitted_in(conn, tenant_id, windows.current, own)
            previous = await self._admitted_in(conn, tenant_id, windows.previous, own)
            active = await self._visits.active_count(scope, venue_id)
            shows = await self._capacity.opening_in(conn, tenant_id, venue_id, day)
        moments = (current.newest_fact_at, previous.newest_fact_at)
        return _Seen(
            traffic=traffic,
            scans=ComparedCount(current.ticket_count, previous.ticket_count),
            active_session_count=active,
            shows=shows,
            as_of=max((moment for moment in moments if moment is not None), default=None),
        )

    async def _admitted_in(
        self, conn: Connection, tenant_id: UUID, window: Window, venue_ids: Sequence[UUID]
    ) -> "_Admitted":
        rows = await self._tickets.admissions_in(
            conn, tenant_id, [window.start, window.end], venue_ids=venue_ids
        )
        return _Admitted(
            sum(row.admitted_count for row in rows), max((row.newest_fact_at for row in rows), default=None)
        )


class _Sold(NamedTuple):
    orders: ComparedCount
    tickets: ComparedCount
    net_revenue: tuple[ComparedMoney, ...]
    orders_last_hour_count: int
    as_of: datetime | None


class _Seen(NamedTuple):
    traffic: ComparedTraffic
    scans: ComparedCount
    active_session_count: int
    shows: DatedSeats
    as_of: datetime | None


class _Admitted(NamedTuple):
    ticket_count: int
    newest_fact_at: datetime | None
