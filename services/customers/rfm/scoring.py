"""Scores from 1 to 5 that say where a customer stands among all, equal for equal values."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.customers.rfm.measuring import Measures

FEWEST_RANKED: Final = 5
"""Customers below which a rank says nothing and fixed bounds score instead."""
_RECENCY_BOUNDS: Final = (30, 90, 180, 365)
_ORDER_BOUNDS: Final = (2, 3, 5, 9)
_MONEY_BOUNDS: Final = (5_000, 10_000, 25_000, 50_000)

_Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scores:
    """Columns of scores, 1 to 5; `by_fixed_bounds` marks those of fewer than five customers."""

    recency: _Integers
    frequency: _Integers
    monetary: _Integers
    by_fixed_bounds: bool

    def only(self, rows: _Integers) -> "Scores":
        """The scores of some rows."""
        return Scores(
            self.recency[rows],
            self.frequency[rows],
            self.monetary[rows],
            by_fixed_bounds=self.by_fixed_bounds,
        )


def score(measures: Measures) -> Scores:
    """Scores of all customers; the more recent, the more often and the more, the higher.

    Below five customers the bounds are fixed.
    """
    if len(measures.customers) < FEWEST_RANKED:
        return score_by_bounds(measures)
    return Scores(
        quintiles(-measures.recency_days),
        quintiles(measures.order_counts),
        quintiles(measures.net_minor),
        by_fixed_bounds=False,
    )


def score_by_bounds(measures: Measures) -> Scores:
    """Scores by fixed bounds, whoever else there is.

    Recency: 5 up to 30 days, 4 up to 90, 3 up to 180, 2 up to 365. Orders: 2 from two, 3 from three, 4 from
    five, 5 from nine. Money: 2 from 5,000 minor units, 3 from 10,000, 4 from 25,000, 5 from 50,000; minor
    units, because a cent and a yen are of one magnitude.
    """
    return Scores(
        5 - np.searchsorted(_RECENCY_BOUNDS, measures.recency_days, side="left").astype(np.int64),
        1 + np.searchsorted(_ORDER_BOUNDS, measures.order_counts, side="right").astype(np.int64),
        1 + np.searchsorted(_MONEY_BOUNDS, measures.net_minor, side="right").astype(np.int64),
        by_fixed_bounds=True,
    )


def quintiles(values: _Integers) -> _Integers:
    """ceil(5 * average percentile rank) of each value, in whole numbers so that no border is missed.

    With `below` values smaller and `equal` values the same (itself included) the average rank of n values is
    below + (equal + 1) / 2, so the score is the ceiling of 5 (2 below + equal + 1) / (2 n).
    """
    _, rows, equal = np.unique(values, return_inverse=True, return_counts=True)
    below = np.cumsum(equal) - equal
    doubled = 5 * (2 * below + equal + 1)
    return np.asarray(-(-doubled // (2 * len(values)))[rows])
