"""Aggregations of recorded metrics."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.figures.answers import MOST_GROUPS, Outcome, Value, labelled, outcome, too_many_groups
from services.metrics.figures.questions import MetricQuestion
from services.metrics.series.figures import Figures
from services.metrics.series.labelled import select_labelled
from services.metrics.series.percentiles import FRACTIONS, check_count
from services.metrics.series.retention import Retention
from services.metrics.series.selection import Selection
from services.metrics.series.values import select_last, select_percentiles

_LAST: Final = "last"


@dataclass(frozen=True, slots=True)
class _Group:
    """One label set: the values by aggregation, and the facts behind them."""

    labels: tuple[str | None, ...]
    values: dict[str, float]
    count: int
    newest_time: datetime | None


@dataclass(frozen=True, slots=True)
class RecordedFigures:
    """Sums and the like from rollups; percentiles and newest values from raw rows. The facts are values."""

    retention: Retention
    percentile_row_limit: int

    def kind(self, question: MetricQuestion) -> Hashable:
        return (
            question.metric_type,
            question.window,
            question.venue_id,
            question.dimensions,
            question.labels,
            question.aggregation in FRACTIONS,
            question.aggregation == _LAST,
        )

    async def answers(
        self, conn: Connection, tenant_id: UUID, questions: Sequence[MetricQuestion]
    ) -> Sequence[Outcome]:
        first = questions[0]
        selection = Selection(tenant_id, first.venue_id, first.metric_type, dict(first.dimensions))
        if first.aggregation in FRACTIONS:
            groups = await self._percentiles(conn, selection, first)
        elif first.aggregation == _LAST:
            groups = await self._last(conn, selection, first)
        else:
            groups = await self._sums(conn, selection, first)
        if len(groups) > MOST_GROUPS:
            return [too_many_groups()] * len(questions)
        groups.sort(key=lambda group: [(label is not None, label or "") for label in group.labels])
        return [_outcome(question, groups) for question in questions]

    async def _sums(self, conn: Connection, selection: Selection, question: MetricQuestion) -> list[_Group]:
        window = question.window
        found = await select_labelled(
            conn,
            selection,
            self.retention.parts(window),
            [window.start, window.end],
            question.labels,
            limit=MOST_GROUPS + 1,
        )
        return [_summed(one.labels, one.figures[0]) for one in found]

    async def _percentiles(
        self, conn: Connection, selection: Selection, question: MetricQuestion
    ) -> list[_Group]:
        window = question.window
        edges = [window.start, window.end]
        counted = await select_labelled(conn, selection, self.retention.parts(window), edges, (), limit=1)
        check_count(counted[0].figures[0].count if counted else 0, self.percentile_row_limit)
        self.retention.require_raw(window.start)
        found = await select_percentiles(
            conn, selection, window, question.labels, list(FRACTIONS.values()), limit=MOST_GROUPS + 1
        )
        return [
            _Group(one.labels, dict(zip(FRACTIONS, one.values, strict=True)), one.count, one.newest_time)
            for one in found
        ]

    async def _last(self, conn: Connection, selection: Selection, question: MetricQuestion) -> list[_Group]:
        self.retention.require_raw(question.window.start)
        found = await select_last(conn, selection, question.window, question.labels, limit=MOST_GROUPS + 1)
        return [_Group(one.labels, {_LAST: one.value}, 1, one.newest_time) for one in found]


def _summed(labels: tuple[str | None, ...], figures: Figures) -> _Group:
    values = {
        "sum": figures.sum,
        "avg": figures.sum / figures.count,
        "min": figures.minimum,
        "max": figures.maximum,
        "count": float(figures.count),
    }
    return _Group(labels, values, figures.count, figures.newest_time)


def _outcome(question: MetricQuestion, groups: Sequence[_Group]) -> Outcome:
    values = (
        Value(
            labelled(question.labels, dict(zip(question.labels, group.labels, strict=True))),
            "",
            group.values[question.aggregation],
            group.count,
        )
        for group in groups
    )
    return outcome(values, (group.newest_time for group in groups))
