"""Use case: answer a question of the closed vocabulary from one transaction."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from libs.common.catalog.clocks import clock_of
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.metrics.customers_port import CustomerFigures
from services.metrics.query.question import Question
from services.metrics.query.reading import READ_HERE, Reading
from services.metrics.query.rows import Labels, Result, Row
from services.metrics.query.vocabulary import Metric
from services.metrics.sales.reader import SalesReader

MOST_ROWS: Final = 100_000
"""Ten times what an answer holds: only ranks and trends need all, and are refused above."""


class QueryExecutor:
    """Answers questions.

    Args:
        database: The service's database.
        sales: Sales of tenants.
        venues: Venues of tenants.
        customers: Figures of customers.
        most_rows: Rows of sales that one metric reads.
        now: The present instant.
    """

    def __init__(
        self,
        database: Database,
        sales: SalesReader,
        venues: Venues,
        customers: CustomerFigures,
        *,
        most_rows: int = MOST_ROWS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._sales = sales
        self._venues = venues
        self._customers = customers
        self._most_rows = most_rows
        self._now = now

    async def answer(self, scope: TenantScope, question: Question) -> list[Result]:
        """One result a metric, in the order of the metrics.

        Raises:
            VenueNotFound: The scope does not have one of the venues.
            InvalidField: The zone is unknown.
            WindowTooWide: Too many buckets.
            TooManyGroups: More combinations to rank or to fit than are read.
            DependencyTimedOut: Customers are asked for, and the customers service does not answer in time.
            DependencyUnavailable: It does not answer at all.
            StatementTimedOut: A statement took too long.
        """
        about = question.where.venue_ids
        clock = await clock_of(self._venues, scope, about, time_zone=question.time_zone)
        reading = Reading(self._sales, scope, question, clock, now=self._now(), most_rows=self._most_rows)
        results: dict[Metric, Result] = {}
        if Metric.CUSTOMER_METRICS in question.metrics:
            results[Metric.CUSTOMER_METRICS] = await self._of_customers(scope, question)
        async with self._database.transaction(scope) as conn:
            read = {
                metric: await reading.of(conn, metric) for metric in question.metrics if metric in READ_HERE
            }
        for metric, calculate in read.items():
            # Ranks of many shows and lines through many groups would hold up every other call.
            results[metric] = await asyncio.to_thread(calculate)
        return [results[metric] for metric in question.metrics]

    async def _of_customers(self, scope: TenantScope, question: Question) -> Result:
        venue_ids = question.where.venue_ids
        counts = await self._customers.of(scope, question.window, venue_ids[0] if venue_ids else None)
        figures = {
            "activeCount": counts.active_count,
            "newCount": counts.new_count,
            "returningCount": counts.returning_count,
        }
        return Result.cut(Metric.CUSTOMER_METRICS, [Row(Labels(), "", figures)], question.limit, counts.as_of)
