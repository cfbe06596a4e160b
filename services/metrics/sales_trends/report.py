"""Use case: trends of sales."""

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from libs.common.buckets import Window
from libs.common.context import TenantScope
from services.metrics.sales.over_time import SalesHistory
from services.metrics.sales.questions import HistoryQuestion
from services.metrics.sales_trends.measures import Measure, measures_of


@dataclass(frozen=True, slots=True)
class SalesTrends:
    """Measures by period; `starts` are the periods' first instants, `window` is None when there is none."""

    starts: tuple[datetime, ...]
    window: Window | None
    measures: tuple[Measure, ...]
    as_of: datetime | None


class TrendsOfSales:
    """Trends of tenants' sales."""

    def __init__(self, history: SalesHistory) -> None:
        self._history = history

    async def over(
        self, scope: TenantScope, question: HistoryQuestion, edges: list[datetime], clock: ZoneInfo
    ) -> SalesTrends:
        """Trends over periods.

        Args:
            scope: Whose sales; a venue grant limits them.
            question: Which sales.
            edges: Of the periods to look at, within the question's window; may be empty.
            clock: What cut the periods.

        Raises:
            EventNotFound: The scope, or the venue, has no such show.
        """
        if not edges:
            await self._history.over_time(scope, question, clock)
            return SalesTrends((), None, measures_of(()), None)
        window = Window(edges[0], edges[-1])
        history = await self._history.over_time(scope, replace(question, window=window), clock)
        starts = tuple(bucket.start for bucket in history.buckets)
        return SalesTrends(starts, window, measures_of(history.buckets), history.as_of)
