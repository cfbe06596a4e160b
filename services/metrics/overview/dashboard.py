"""Use case: the overview page of a period in one answer."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.buckets import Window
from libs.common.context import TenantScope
from libs.common.errors import DependencyTimedOut, DependencyUnavailable
from libs.common.postgres.database import Database
from libs.common.postgres.errors import StatementTimedOut
from services.metrics.capacity.report import Capacity, DatedSeats
from services.metrics.customers_port import CustomerCounts, CustomerFigures
from services.metrics.overview.comparisons import ComparedCount
from services.metrics.overview.traffic import ComparedTraffic, Traffic
from services.metrics.overview.windows import GRANULARITIES, Windows, period_and_the_one_before
from services.metrics.sales.figures import RevenueFigures, by_currency, newest_fact
from services.metrics.sales.over_time import SalesHistory, SalesOverTime
from services.metrics.sales.questions import HistoryQuestion
from services.metrics.sales.reader import SalesFilter, SalesReader
from services.metrics.sales.standings import OrderBy
from services.metrics.sales.top_events import Rankings, TopEvents

_TOP: Final = 5
_AHEAD: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class DashboardData:
    """The overview page; `customers` None and traffic without figures: they could not be had."""

    windows: Windows
    history: SalesOverTime
    previous_revenue: tuple[RevenueFigures, ...]
    orders: ComparedCount
    tickets: ComparedCount
    traffic: ComparedTraffic
    top: TopEvents
    upcoming: DatedSeats
    customers: CustomerCounts | None
    as_of: datetime | None


class Dashboards:
    """Overview pages of tenants. Statements run in four transactions side by side.

    Args:
        database: The service's database.
        sales: Sales.
        history: Sales over time.
        rankings: The best shows.
        traffic: Sessions of windows.
        capacity: Seats.
        customers: Figures of customers.
        now: The present instant.
    """

    def __init__(
        self,
        database: Database,
        *,
        sales: SalesReader,
        history: SalesHistory,
        rankings: Rankings,
        traffic: Traffic,
        capacity: Capacity,
        customers: CustomerFigures,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._sales = sales
        self._history = history
        self._rankings = rankings
        self._traffic = traffic
        self._capacity = capacity
        self._customers = customers
        self._now = now

    async def data(
        self, scope: TenantScope, period: str, venue_id: UUID | None, clock: ZoneInfo
    ) -> DashboardData:
        """The page of one venue, or of every venue of the scope.

        Args:
            scope: Whose facts; a venue grant limits them.
            period: A key of `GRANULARITIES`.
            venue_id: Only this venue.
            clock: Whose days count.
        """
        now = self._now()
        windows = period_and_the_one_before(now, period, clock)
        question = HistoryQuestion(windows.current, GRANULARITIES[period], clock.key, venue_id, None)
        sold, top, traffic, upcoming, customers = await asyncio.gather(
            self._sold(scope, windows, question, clock),
            self._rankings.top(scope, windows.current, OrderBy.REVENUE, _TOP, venue_id),
            self._traffic_of(scope, windows, venue_id, now),
            self._upcoming(scope, venue_id, now),
            self._customers_of(scope, windows.current, venue_id),
        )
        bought = None if customers is None else customers.as_of
        moments = (sold.as_of, top.as_of, traffic.as_of, upcoming.as_of, bought)
        return DashboardData(
            windows=windows,
            history=sold.history,
            previous_revenue=sold.previous_revenue,
            orders=sold.orders,
            tickets=sold.tickets,
            traffic=traffic,
            top=top,
            upcoming=upcoming,
            customers=customers,
            as_of=_newest(moments),
        )

    async def _sold(
        self, scope: TenantScope, windows: Windows, question: HistoryQuestion, clock: ZoneInfo
    ) -> "_Sold":
        before = windows.previous
        where = SalesFilter(venue_ids=() if question.venue_id is None else (question.venue_id,))
        async with self._database.transaction(scope) as conn:
            history = await self._history.over_time(scope, question, clock)
            earlier = await self._sales.rows_in(
                conn, scope.tenant_id, [before.start, before.end], where=where
            )
        return _Sold(
            history=history,
            previous_revenue=by_currency(earlier),
            orders=ComparedCount(
                sum(bucket.order_count for bucket in history.buckets),
                sum(row.order_count for row in earlier),
            ),
            tickets=ComparedCount(
                sum(bucket.ticket_count for bucket in history.buckets),
                sum(row.ticket_count for row in earlier),
            ),
            as_of=_newest((history.as_of, newest_fact(earlier))),
        )

    async def _traffic_of(
        self, scope: TenantScope, windows: Windows, venue_id: UUID | None, now: datetime
    ) -> ComparedTraffic:
        """Sessions, or none of the figures where counting distinct ones takes longer than a statement may."""
        try:
            async with self._database.transaction(scope) as conn:
                return await self._traffic.compared_in(conn, scope, windows, venue_id=venue_id, now=now)
        except StatementTimedOut:
            return ComparedTraffic(None, None, None)

    async def _upcoming(self, scope: TenantScope, venue_id: UUID | None, now: datetime) -> DatedSeats:
        async with self._database.transaction(scope) as conn:
            return await self._capacity.starting_in(
                conn, scope.tenant_id, venue_id, Window(now, now + _AHEAD)
            )

    async def _customers_of(
        self, scope: TenantScope, window: Window, venue_id: UUID | None
    ) -> CustomerCounts | None:
        try:
            return await self._customers.of(scope, window, venue_id)
        except (DependencyUnavailable, DependencyTimedOut):
            return None


class _Sold(NamedTuple):
    history: SalesOverTime
    previous_revenue: tuple[RevenueFigures, ...]
    orders: ComparedCount
    tickets: ComparedCount
    as_of: datetime | None


def _newest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
