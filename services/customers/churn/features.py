"""What is known of customers at a cut-off date, as plain columns: nothing later than that day enters.

Money is left out on purpose: spend is kept net of refunds, which restate a sale whenever they come, so that
the spend before a past day is not known any more as it was known on that day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from services.customers.lifetime.summaries import Array, Codes

WINDOWS_DAYS: Final = (30, 90, 180, 365)

DRIVERS: Final[Mapping[str, tuple[str, ...]]] = {
    "days_since_last_purchase": (
        "days_since_last_purchase",
        "silence_over_mean_gap",
        "silence_over_longest_gap",
        "silence_over_age",
    ),
    "repeat_purchase_days": ("repeat_purchase_days", "purchases", "purchases_per_day"),
    "mean_gap_days": ("mean_gap_days", "last_gap_days", "longest_gap_days", "gap_deviation_days"),
    "days_since_first_purchase": ("days_since_first_purchase", "days_from_first_to_last_purchase"),
    "purchase_days_last_90_days": (
        "purchase_days_last_90_days",
        "purchase_days_last_30_days",
        "purchase_days_last_180_days",
        "purchase_days_last_365_days",
        "purchases_last_90_days",
    ),
}
"""The features, gathered by what they tell of; a driver is called after the first of its features."""

NAMES: Final = tuple(name for features in DRIVERS.values() for name in features)

Columns = Mapping[str, Array]


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Purchases by customer, then day; those of `customers[k]` lie in [starts[k], starts[k + 1])."""

    customers: Codes
    starts: Codes
    days: Codes

    def of(self, first: int, last: int) -> "History":
        """The customers from place `first` up to, without, `last`."""
        start, stop = self.starts[first], self.starts[last]
        return History(
            self.customers[first:last], self.starts[first : last + 1] - start, self.days[start:stop]
        )

    def among(self, customers: Codes) -> "History":
        """Only customers at these places, which ascend."""
        counts = self.starts[customers + 1] - self.starts[customers]
        starts = np.append(0, np.cumsum(counts))
        rows = np.arange(starts[-1]) + np.repeat(self.starts[customers] - starts[:-1], counts)
        return History(self.customers[customers], starts, self.days[rows])

    def until(self, day: int) -> "History":
        """What had happened by the end of the day; customers who first bought later are left out."""
        seen = self.days <= day
        counts = np.add.reduceat(seen, self.starts[:-1]) if len(self.days) else np.empty(0, np.int64)
        known = counts > 0
        return History(self.customers[known], np.append(0, np.cumsum(counts[known])), self.days[seen])


def history_of(customers: Codes, days: Codes) -> History:
    """Purchases in any order, sorted.

    Args:
        customers: Code of the customer of each.
        days: Local day of each (`date.toordinal`).
    """
    order = np.lexsort((days, customers))
    customers, days = customers[order], days[order]
    firsts = np.flatnonzero(np.diff(customers, prepend=customers[:1] - 1))
    return History(customers[firsts], np.append(firsts, len(customers)), days)


def features(history: History, cutoff: int) -> Columns:
    """One column a feature, by name, and in it one number for each customer of `history.until(cutoff)`.

    Gaps are days between neighbouring purchase days; NaN for customers who bought on one day only.

    Args:
        history: Purchases, later ones as well: they are not looked at.
        cutoff: Last day that is known.
    """
    history = history.until(cutoff)
    if not len(history.customers):
        return {name: np.empty(0) for name in NAMES}
    customer = np.repeat(np.arange(len(history.customers)), np.diff(history.starts))
    opens = np.ones(len(customer), np.bool_)
    opens[1:] = (customer[1:] != customer[:-1]) | (history.days[1:] != history.days[:-1])
    of, days = customer[opens], history.days[opens]
    firsts = np.flatnonzero(np.diff(of, prepend=-1))
    lasts = np.append(firsts[1:], len(of)) - 1
    repeats = (lasts - firsts).astype(np.float64)
    gaps = np.diff(days, prepend=0).astype(np.float64)
    gaps[firsts] = 0.0
    has_gap = repeats > 0
    silence, age = cutoff - days[lasts], cutoff - days[firsts]
    span = (days[lasts] - days[firsts]).astype(np.float64)
    mean_gap = _ratio(span, repeats)
    square = _ratio(np.add.reduceat(gaps**2, firsts), repeats)
    longest = np.where(has_gap, np.maximum.reduceat(gaps, firsts), np.nan)
    purchases = np.diff(history.starts).astype(np.float64)
    columns = {
        "days_since_last_purchase": silence,
        "silence_over_mean_gap": silence / mean_gap,
        "silence_over_longest_gap": silence / longest,
        "silence_over_age": silence / (age + 1),
        "repeat_purchase_days": repeats,
        "purchases": purchases,
        "purchases_per_day": purchases / (repeats + 1),
        "mean_gap_days": mean_gap,
        "last_gap_days": np.where(has_gap, gaps[lasts], np.nan),
        "longest_gap_days": longest,
        "gap_deviation_days": np.sqrt(np.maximum(square - mean_gap**2, 0)),
        "days_since_first_purchase": age,
        "days_from_first_to_last_purchase": span,
        "purchases_last_90_days": np.add.reduceat(history.days > cutoff - 90, history.starts[:-1]),
    }
    for window in WINDOWS_DAYS:
        columns[f"purchase_days_last_{window}_days"] = np.add.reduceat(days > cutoff - window, firsts)
    return {name: columns[name].astype(np.float64) for name in NAMES}


def stayed_away(history: History, cutoff: int, horizon_days: int) -> Codes:
    """1 for each customer of `history.until(cutoff)` who bought nothing in the horizon after it, or 0."""
    inside = (history.days > cutoff) & (history.days <= cutoff + horizon_days)
    came = np.add.reduceat(inside, history.starts[:-1]) if len(history.days) else np.empty(0, np.int64)
    known = history.days[history.starts[:-1]] <= cutoff
    return np.asarray(came[known] == 0, np.int64)


def _ratio(values: Array, by: Array) -> Array:
    return np.asarray(np.divide(values, by, out=np.full(len(values), np.nan), where=by > 0))
