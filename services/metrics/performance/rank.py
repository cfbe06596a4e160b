"""Where a value stands among others; pure."""

from collections.abc import Sequence
from statistics import median
from typing import Final, NamedTuple

LEAST_COMPARABLES: Final = 5


class Rank(NamedTuple):
    """Where a value stands; both are None among too few others."""

    percentile: float | None
    median: float | None


def rank_among(value: float, others: Sequence[float]) -> Rank:
    """The share of the others that are smaller, 0 to 1, and their median.

    Equal ones are not smaller: a show that sold as much as all others is at 0, as the contract has it.

    Args:
        value: The value.
        others: What it is compared with; under 5 of them tell nothing.

    Source: the empirical distribution function just below the value, A. W. van der Vaart (1998), Asymptotic
    Statistics, ch. 19. The percentile rank of test scores (J. T. Roscoe (1975), Fundamental Research
    Statistics) adds half of the ties; we do not.
    """
    if len(others) < LEAST_COMPARABLES:
        return Rank(None, None)
    return Rank(sum(other < value for other in others) / len(others), median(others))
