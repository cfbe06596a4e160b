"""Cohorts as messages of the contract."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from tickettoken.customers.v1 import cohorts_pb2

from libs.common.amounts import money_message
from libs.common.buckets import Window
from libs.common.moments import interval_of, timestamp_of
from services.customers.cohorts.questions import CohortQuestion
from services.customers.cohorts.store import VenueFigures
from services.customers.cohorts.table import Cell, Cohort, retention, triangle

_Cells = Mapping[str, Cell]
"""One cell in each currency of the answer; all agree but for money. "" where there is no currency at all."""


def analysis_message(
    question: CohortQuestion, clock: ZoneInfo, edges: Sequence[datetime], figures: VenueFigures
) -> cohorts_pb2.GetCohortAnalysisResponse:
    """The answer to a question, in the question's measure."""
    end = question.window.end
    tables = {
        currency: triangle(figures.in_currency(currency), edges, as_of=end)
        for currency in sorted(figures.net_minor) or [""]
    }
    some = next(iter(tables.values()))
    filled = [_FILLS[question.measure]] if question.measure else [*_FILLS.values()]
    answer = cohorts_pb2.GetCohortAnalysisResponse(
        granularity=question.period,
        time_zone=clock.key,
        window=interval_of(Window(edges[0], end)),
        as_of=timestamp_of(figures.newest_fact_at),
    )
    for place, cohort in enumerate(some):
        same = {currency: table[place] for currency, table in tables.items()}
        answer.cohorts.append(_cohort_message(cohort, same, clock, filled))
    complete = {found.age: found.ratio for found in retention(some, complete_only=True)}
    for found in retention(some):
        answer.retention.add(
            age=found.age,
            cohort_count=found.cohort_count,
            customer_count=found.size,
            retained_count=found.customer_count,
            ratio=found.ratio,
            includes_running=found.is_running,
            complete_ratio=complete.get(found.age),
        )
    return answer


_Fill = Callable[[cohorts_pb2.CohortCell, _Cells, int], None]


def _cohort_message(
    cohort: Cohort, same: Mapping[str, Cohort], clock: ZoneInfo, filled: Sequence[_Fill]
) -> cohorts_pb2.Cohort:
    message = cohorts_pb2.Cohort(
        start_time=timestamp_of(cohort.start),
        start_date=cohort.start.astimezone(clock).date().isoformat(),
        customer_count=cohort.size,
    )
    for age, cell in enumerate(cohort.cells):
        cells = {currency: other.cells[age] for currency, other in same.items()}
        told = message.cells.add(age=age, is_running=cell.is_running)
        for fill in filled:
            fill(told, cells, cohort.size)
    return message


def _customers(told: cohorts_pb2.CohortCell, cells: _Cells, size: int) -> None:
    told.customer_count = _any(cells).customer_count
    if size:
        told.retention_ratio = told.customer_count / size


def _orders(told: cohorts_pb2.CohortCell, cells: _Cells, _size: int) -> None:
    told.order_count = _any(cells).order_count


def _revenue(told: cohorts_pb2.CohortCell, cells: _Cells, _size: int) -> None:
    told.net_revenues.extend(
        money_message(cell.net_minor, currency) for currency, cell in cells.items() if currency
    )


def _cumulative(told: cohorts_pb2.CohortCell, cells: _Cells, _size: int) -> None:
    told.cumulative_order_count = _any(cells).cumulative_order_count
    told.cumulative_net_revenues.extend(
        money_message(cell.cumulative_net_minor, currency) for currency, cell in cells.items() if currency
    )


def _any(cells: _Cells) -> Cell:
    return next(iter(cells.values()))


_FILLS: Final[Mapping[str, _Fill]] = {
    "customers": _customers,
    "orders": _orders,
    "revenue": _revenue,
    "cumulative": _cumulative,
}
