"""The triangle of cohorts: who came back, how often and for how much, at every age that can be observed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from libs.common.buckets import Window, microseconds
from services.customers.cohorts.periods import Period, period_edges

_Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Orders:
    """Standing orders of one currency, columns of equal length in any order.

    `customers` are numbers, `at` microseconds since 1970, `net_minor` net of refunds. All history belongs in:
    a first purchase left out would put its customer into a later cohort.
    """

    customers: _Integers
    at: _Integers
    net_minor: _Integers


@dataclass(frozen=True, slots=True)
class Cell:
    """One cohort at one age; `is_running`: the period has begun and not ended, so figures may still grow."""

    customer_count: int
    order_count: int
    net_minor: int
    cumulative_order_count: int
    cumulative_net_minor: int
    is_running: bool


@dataclass(frozen=True, slots=True)
class Cohort:
    """Customers whose first purchase lies in the period from `start`; `cells[age]` as far as observable.

    A period that has not begun has no cell, so a younger cohort has fewer.
    """

    start: datetime
    size: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Retention:
    """The share of all customers of `cohort_count` cohorts who bought at this age.

    `is_running`: one of the cohorts is there in a period that has not ended.
    """

    age: int
    cohort_count: int
    size: int
    customer_count: int
    is_running: bool

    @property
    def ratio(self) -> float | None:
        return self.customer_count / self.size if self.size else None


@dataclass(frozen=True, slots=True)
class Figures:
    """Tables of cohort by period: distinct customers, orders and net revenue of one currency."""

    people: _Integers
    orders: _Integers
    net_minor: _Integers


def cohorts(
    orders: Orders, window: Window, period: Period, clock: ZoneInfo, *, as_of: datetime
) -> list[Cohort]:
    """The cohorts of the periods that the window touches, oldest first, each followed until `as_of`.

    Orders at or after `as_of` do not count; a period that begins then has not begun. Cohorts without
    customers are listed with size 0.

    Args:
        orders: All orders, from before the window too.
        window: First purchases of whole periods around it make the cohorts.
        period: Length of cohorts and ages.
        clock: The zone that cuts periods.
        as_of: Until when facts are known, after the window's start.

    Raises:
        WindowTooWide: More periods up to `as_of` than one answer may hold.
    """
    edges = period_edges(Window(window.start, as_of), period, clock)
    figures = _figures(orders, np.array([microseconds(edge) for edge in edges], np.int64), as_of)
    return [cohort for cohort in triangle(figures, edges, as_of=as_of) if cohort.start < window.end]


def triangle(figures: Figures, edges: Sequence[datetime], *, as_of: datetime) -> list[Cohort]:
    """The cohorts of all periods between edges, oldest first.

    Args:
        figures: Tables of n cohorts by n periods.
        edges: The n + 1 edges of the periods, the last but one before `as_of`.
        as_of: Until when facts are known.
    """
    running = len(edges) - 2 if as_of < edges[-1] else None
    return [
        Cohort(start, int(figures.people[number, number]), _cells(figures, number, running))
        for number, start in enumerate(edges[:-1])
    ]


def retention(table: Sequence[Cohort], *, complete_only: bool = False) -> list[Retention]:
    """Retention at every age, weighted by size, over the cohorts old enough to show that age.

    Args:
        table: Cohorts, oldest first.
        complete_only: Leave out cells of the running period, which will still grow.
    """
    ages = max((len(cohort.cells) for cohort in table), default=0)
    found = []
    for age in range(ages):
        seen = [(cohort.size, cohort.cells[age]) for cohort in table if age < len(cohort.cells)]
        seen = [(size, cell) for size, cell in seen if not (complete_only and cell.is_running)]
        if seen:
            size, customers = sum(size for size, _ in seen), sum(cell.customer_count for _, cell in seen)
            running = any(cell.is_running for _, cell in seen)
            found.append(Retention(age, len(seen), size, customers, running))
    return found


def _figures(orders: Orders, edges: _Integers, as_of: datetime) -> Figures:
    count = len(edges) - 1
    past = orders.at < microseconds(as_of)
    period = np.searchsorted(edges, orders.at[past], side="right") - 1
    known, rows = np.unique(orders.customers[past], return_inverse=True)
    first = np.full(len(known), count)
    np.minimum.at(first, rows, period)
    inside = first[rows] >= 0  # a first purchase before the window belongs to no cohort of it
    rows, period, net_minor = rows[inside], period[inside], orders.net_minor[past][inside]
    cell = first[rows] * count + period
    size = count * count
    net = np.zeros(size, np.int64)
    np.add.at(net, cell, net_minor)
    customer, at = np.divmod(np.unique(rows * count + period), count)
    people = np.bincount(first[customer] * count + at, minlength=size)
    shape = (count, count)
    ordered = np.bincount(cell, minlength=size)
    return Figures(people.reshape(shape), ordered.reshape(shape), net.reshape(shape))


def _cells(figures: Figures, number: int, running: int | None) -> tuple[Cell, ...]:
    people, orders, net = (
        table[number, number:] for table in (figures.people, figures.orders, figures.net_minor)
    )
    columns = np.stack((people, orders, net, orders.cumsum(), net.cumsum()), axis=1).tolist()
    return tuple(
        Cell(customers, count, value, so_far, value_so_far, is_running=number + age == running)
        for age, (customers, count, value, so_far, value_so_far) in enumerate(columns)
    )
