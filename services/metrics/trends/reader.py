"""Use cases: the trend of a metric, and one window of it beside another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from libs.common.buckets import Granularity, Window
from libs.common.catalog.clocks import clock_of
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.metrics.series.figures import Figures
from services.metrics.series.labelled import Labelled, select_labelled
from services.metrics.series.retention import Retention
from services.metrics.trends.comparison import Comparison, Side
from services.metrics.trends.questions import Question, complete_periods, day_count

MOST_VALUES: Final = 50
_MOST_COMPARED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Periods:
    """Figures of every period, for all series or for those with one value of a dimension."""

    value: str | None
    figures: Sequence[Figures]


@dataclass(frozen=True, slots=True)
class MetricTrend:
    """Edges of the periods, and the figures within them."""

    edges: list[datetime]
    all_series: Periods
    by_value: list[Periods]


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """The comparison of all series, and of each value of a dimension."""

    all_series: Comparison
    by_value: list[tuple[str | None, Comparison]]


class TrendReader:
    """Trends and comparisons of recorded metrics.

    Args:
        database: The service's database.
        venues: Venues of every tenant.
        retention: How far back exact answers reach.
        now: The present instant.
    """

    def __init__(
        self,
        database: Database,
        venues: Venues,
        retention: Retention,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._venues = venues
        self._retention = retention
        self._now = now

    async def trend(
        self, scope: TenantScope, question: Question, count: int, unit: Granularity, time_zone: str
    ) -> MetricTrend:
        """The last complete periods.

        Raises:
            VenueNotFound: The scope has no such venue.
            InvalidField: The zone is unknown.
            SeriesExpired: A period began before figures are kept.
        """
        clock = await clock_of(self._venues, scope, [question.selection.venue_id], time_zone=time_zone)
        edges = complete_periods(count, unit, clock, self._now())
        found = await self._read(scope, question, edges, None, limit=1)
        all_series = Periods(None, found[0].figures if found else [Figures()] * count)
        if question.label is None:
            return MetricTrend(edges, all_series, [])
        by_value = await self._read(scope, question, edges, question.label, limit=MOST_VALUES)
        return MetricTrend(edges, all_series, [Periods(one.labels[0], one.figures) for one in by_value])

    async def comparison(
        self, scope: TenantScope, question: Question, current: Window, previous: Window, time_zone: str
    ) -> MetricComparison:
        """Two windows side by side.

        Raises:
            VenueNotFound: The scope has no such venue.
            InvalidField: The zone is unknown.
            SeriesExpired: A window began before figures are kept.
            RawPointsExpired: An edge lies within a bucket that is older than raw points are kept.
        """
        clock = await clock_of(self._venues, scope, [question.selection.venue_id], time_zone=time_zone)
        days = day_count(current, clock), day_count(previous, clock)

        def compared(now: Figures, then: Figures) -> Comparison:
            return Comparison(Side(current, days[0], now), Side(previous, days[1], then))

        async def figures(window: Window, label: str | None) -> dict[str | None, Figures]:
            limit = 1 if label is None else _MOST_COMPARED
            found = await self._read(scope, question, [window.start, window.end], label, limit=limit)
            return {one.labels[0] if one.labels else None: one.figures[0] for one in found}

        total = [(await figures(window, None)).get(None, Figures()) for window in (current, previous)]
        if question.label is None:
            return MetricComparison(compared(*total), [])
        now, then = await figures(current, question.label), await figures(previous, question.label)
        values = sorted(
            now.keys() | then.keys(), key=lambda value: (-now.get(value, Figures()).sum, value or "")
        )
        by_value = [
            (value, compared(now.get(value, Figures()), then.get(value, Figures())))
            for value in values[:MOST_VALUES]
        ]
        return MetricComparison(compared(*total), by_value)

    async def _read(
        self,
        scope: TenantScope,
        question: Question,
        edges: Sequence[datetime],
        label: str | None,
        *,
        limit: int,
    ) -> list[Labelled]:
        parts = self._retention.parts(Window(edges[0], edges[-1]))
        labels = [] if label is None else [label]
        async with self._database.transaction(scope) as conn:
            return await select_labelled(conn, question.selection, parts, edges, labels, limit=limit)
