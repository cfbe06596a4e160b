"""Reads the facts behind one question; what two metrics share is read once."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from libs.common.buckets import bucket_edges
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection
from services.metrics.errors import TooManyGroups
from services.metrics.query.question import Question, Times
from services.metrics.query.ranking import ranked_rows
from services.metrics.query.rows import Result, Row, conversion_rows, revenue_rows, ticket_rows
from services.metrics.query.trends import groups_of, trend_rows
from services.metrics.query.vocabulary import Label, Metric
from services.metrics.sales.figures import newest_fact
from services.metrics.sales.reader import Dimension, SalesReader, SalesRow
from services.metrics.visits.labelled import select_labelled_counts

Calculation: TypeAlias = Callable[[], Result]


class Reading:
    """Reads within one open transaction; a calculation of a result from what was read comes back.

    Args:
        sales: Sales of tenants.
        scope: Whose facts.
        question: The question.
        clock: Cuts the buckets.
        now: The present instant.
        most_rows: Rows of sales that one metric reads.

    Raises:
        WindowTooWide: Too many buckets.
    """

    def __init__(
        self,
        sales: SalesReader,
        scope: TenantScope,
        question: Question,
        clock: ZoneInfo,
        *,
        now: datetime,
        most_rows: int,
    ) -> None:
        self._sales = sales
        self._most_rows = most_rows
        self._tenant_id = scope.tenant_id
        self._question = question
        window = question.window
        edges: list[datetime] = []
        if Label.TIME in question.labels or Metric.SALES_TRENDS in question.metrics:
            edges = bucket_edges(window, question.granularity, clock)
        self._times = Times((), (window.start, window.end))
        if Label.TIME in question.labels:
            self._times = Times(tuple(edges[:-1]), (window.start, *edges[1:-1], window.end))
        self._periods = [edge for edge in edges if window.start <= edge <= min(window.end, now)]
        self._shared: list[SalesRow] | None = None

    async def of(self, conn: Connection, metric: Metric) -> Calculation:
        """Read what a metric of `READ_HERE` is made from.

        Raises:
            TooManyGroups: More combinations to rank or to fit than are read.
        """
        return await _READS[metric](self, conn)

    async def revenue(self, conn: Connection) -> Calculation:
        sales = await self._by_label(conn)
        return partial(self._cut, Metric.REVENUE, partial(revenue_rows, sales, self._times), sales)

    async def ticket_sales(self, conn: Connection) -> Calculation:
        sales = await self._by_label(conn)
        return partial(self._cut, Metric.TICKET_SALES, partial(ticket_rows, sales, self._times), sales)

    async def conversion_rate(self, conn: Connection) -> Calculation:
        question = self._question
        counts = await select_labelled_counts(
            conn,
            self._tenant_id,
            self._times.edges,
            venue_ids=question.where.venue_ids,
            event_ids=question.where.event_ids,
            by_venue=Label.VENUE in question.labels,
            by_event=Label.EVENT in question.labels,
            limit=question.limit + 1,
        )
        rows = conversion_rows(counts, self._times)
        as_of = max((one.newest_fact_at for one in counts), default=None)
        return partial(Result.cut, Metric.CONVERSION_RATE, rows, question.limit, as_of)

    async def top_events(self, conn: Connection) -> Calculation:
        window = self._question.window
        by = self._question.dimensions & {Dimension.VENUE} | {Dimension.EVENT}
        sales = await self._all(conn, [window.start, window.end], by)
        return partial(self._cut, Metric.TOP_EVENTS, partial(ranked_rows, sales), sales)

    async def sales_trends(self, conn: Connection) -> Calculation:
        sales = await self._all(conn, self._periods, self._question.dimensions)
        wanted = dict(list(groups_of(sales).items())[: self._question.limit + 1])
        rows = partial(trend_rows, wanted, max(0, len(self._periods) - 1))
        return partial(self._cut, Metric.SALES_TRENDS, rows, sales)

    async def _by_label(self, conn: Connection) -> list[SalesRow]:
        if self._shared is None:
            by = self._question.dimensions
            self._shared = await self._read(conn, self._times.edges, by, self._most_rows)
        return self._shared

    async def _all(
        self, conn: Connection, edges: Sequence[datetime], by: frozenset[Dimension]
    ) -> list[SalesRow]:
        rows = await self._read(conn, edges, by, self._most_rows + 1)
        if len(rows) > self._most_rows:
            raise TooManyGroups(
                f"more than {self._most_rows} combinations to rank or to fit: ask for fewer labels, a shorter"
                " window or a coarser granularity",
                limit=self._most_rows,
            )
        return rows

    async def _read(
        self, conn: Connection, edges: Sequence[datetime], by: frozenset[Dimension], limit: int
    ) -> list[SalesRow]:
        where = self._question.where
        return await self._sales.rows_in(conn, self._tenant_id, edges, where=where, by=by, limit=limit)

    def _cut(self, metric: Metric, rows: Callable[[], list[Row]], sales: Sequence[SalesRow]) -> Result:
        """The result, as far as the sales were read: the last combination may lack some of its sales."""
        made, limit = rows(), self._question.limit
        if metric in (Metric.REVENUE, Metric.TICKET_SALES) and len(sales) == self._most_rows:
            limit = min(limit, len(made) - 1)
        return Result.cut(metric, made, limit, newest_fact(sales))


_READS: Final[Mapping[Metric, Callable[[Reading, Connection], Awaitable[Calculation]]]] = {
    Metric.REVENUE: Reading.revenue,
    Metric.TICKET_SALES: Reading.ticket_sales,
    Metric.CONVERSION_RATE: Reading.conversion_rate,
    Metric.TOP_EVENTS: Reading.top_events,
    Metric.SALES_TRENDS: Reading.sales_trends,
}
READ_HERE: Final = frozenset(_READS)
