"""Purchase histories as repeats, time of the last one and age: all that the models need of a customer."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Summaries:
    """One row a customer, or a group of equal ones. Times count from the first purchase.

    Attributes:
        repeats: x, days with a purchase after the first one.
        recency: t_x, time of the last purchase; 0 where x = 0.
        age: T, time of the end of observation.
        weights: Customers that the row stands for.
    """

    repeats: Array
    recency: Array
    age: Array
    weights: Array

    def __len__(self) -> int:
        """Rows."""
        return len(self.repeats)

    def later(self, time: float) -> "Summaries":
        """The same histories, had nothing happened for `time` more."""
        return replace(self, age=self.age + time)

    def thinned(self, most: int) -> "Summaries":
        """At most so many of the rows, evenly spread over their order."""
        rows = np.unique(np.linspace(0, len(self) - 1, min(most, len(self))).astype(np.int64))
        return Summaries(self.repeats[rows], self.recency[rows], self.age[rows], self.weights[rows])

    def grouped(self) -> tuple["Summaries", Codes]:
        """Equal rows as one, in ascending order, and the group of each row."""
        order = np.lexsort((self.age, self.recency, self.repeats))
        columns = np.stack((self.repeats, self.recency, self.age))[:, order]
        is_new = np.ones(len(order), np.bool_)
        is_new[1:] = (columns[:, 1:] != columns[:, :-1]).any(axis=0)
        groups = np.empty(len(order), np.int64)
        groups[order] = np.cumsum(is_new) - 1
        first = columns[:, is_new]
        weights = np.bincount(groups, self.weights, minlength=first.shape[1]).astype(np.float64)
        return Summaries(first[0], first[1], first[2], weights), groups


@dataclass(frozen=True, slots=True, eq=False)
class Histories:
    """Customers in ascending order of their code, what they bought when, and the mean spend of a repeat."""

    customers: Codes
    summaries: Summaries
    spends: Array
    """Mean money of a repeat purchase day; NaN where there was none."""


def summarised(
    customers: Codes, days: Codes, spends: Array, *, end: int, unit_days: float = 7.0
) -> Histories:
    """Histories up to the end of the day `end`; customers who first bought after it are left out.

    Several purchases of a customer on a day count once, with their money together.

    Source: P. Fader, B. Hardie and K. L. Lee (2005), "Counting Your Customers" the Easy Way, Marketing
    Science 24 (the statistics x, t_x, T).

    Args:
        customers: Code of the customer of each purchase, in any order.
        days: Day number of each purchase, in the venue's zone.
        spends: Money of each purchase, net.
        end: Last day that is observed.
        unit_days: Days in a unit of time.
    """
    seen = days <= end
    customers, days, spends = customers[seen], days[seen], spends[seen]
    order = np.lexsort((days, customers))
    customers, days, spends = customers[order], days[order], spends[order]
    starts_day = _changes(customers) | _changes(days)
    day_spends = _sums(spends, np.flatnonzero(starts_day))
    customers, days = customers[starts_day], days[starts_day]
    firsts = np.flatnonzero(_changes(customers))
    counts = np.diff(np.append(firsts, len(customers)))
    repeats = (counts - 1).astype(np.float64)
    last = days[firsts + counts - 1]
    totals = _sums(day_spends, firsts) - day_spends[firsts]
    means = np.divide(totals, repeats, out=np.full(len(firsts), np.nan), where=repeats > 0)
    recency, age = (last - days[firsts]) / unit_days, (end - days[firsts]) / unit_days
    return Histories(customers[firsts], Summaries(repeats, recency, age, np.ones(len(firsts))), means)


def _changes(values: Codes) -> NDArray[np.bool_]:
    changes = np.ones(len(values), np.bool_)
    changes[1:] = values[1:] != values[:-1]
    return changes


def _sums(values: Array, starts: NDArray[np.intp]) -> Array:
    return np.add.reduceat(values, starts) if len(starts) else np.empty(0)
