"""Whether a share changed between two windows, given how much it varies within each anyway."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final, Literal, NamedTuple

import numpy as np

Side = Literal["two", "greater", "less"]

_LEAST_GROUPS: Final = 5
_LEAST_EXPECTED: Final = 10


class Group(NamedTuple):
    """Some trials made together, as of one week, cohort or show, and how many of them succeeded."""

    successes: int
    trials: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Shares before and after; `dispersion` at least 1, the variance over that of independent trials."""

    before: float
    after: float
    before_trials: int
    after_trials: int
    dispersion: float
    p_value: float


def compare(before: Sequence[Group], after: Sequence[Group], side: Side = "two") -> Comparison | None:
    """Tests whether the share after is that before.

    The variance between groups of a window, where it is larger than that of independent trials, widens the
    error: people come in parties, and weeks differ. None where there is too little: fewer than 5 groups in
    all or 2 before, or fewer than 10 successes or failures to be expected on either side.

    Source: R. W. M. Wedderburn (1974), Quasi-likelihood functions, Biometrika 61; P. McCullagh and
    J. A. Nelder (1989), Generalized Linear Models, section 4.5: Pearson's estimate of the dispersion over
    groups minus 2 degrees of freedom, here never below 1, and Student's t in the place of the normal.
    """
    before, after = [group for group in before if group.trials], [group for group in after if group.trials]
    freedom = len(before) + len(after) - 2
    if len(before) < 2 or not after or freedom + 2 < _LEAST_GROUPS:
        return None
    first, second = _pooled(before), _pooled(after)
    share = (first.successes + second.successes) / (first.trials + second.trials)
    if min(first.trials, second.trials) * min(share, 1 - share) < _LEAST_EXPECTED:
        return None
    dispersion = max(1.0, (_pearson(before, first) + _pearson(after, second)) / freedom)
    error = sqrt(dispersion * share * (1 - share) * (1 / first.trials + 1 / second.trials))
    old, new = first.successes / first.trials, second.successes / second.trials
    return Comparison(
        old, new, first.trials, second.trials, dispersion, _tail((new - old) / error, freedom, side)
    )


def _pooled(groups: Sequence[Group]) -> Group:
    return Group(sum(group.successes for group in groups), sum(group.trials for group in groups))


def _pearson(groups: Sequence[Group], pooled: Group) -> float:
    """Sum of squared standardised deviations from the window's own share."""
    share = pooled.successes / pooled.trials
    if share in {0, 1}:
        return 0.0
    successes, trials = np.array(groups, np.float64).T
    return float(((successes - trials * share) ** 2 / (trials * share * (1 - share))).sum())


def _tail(statistic: float, freedom: int, side: Side) -> float:
    from scipy.special import stdtr

    if side == "greater":
        return float(stdtr(freedom, -statistic))
    if side == "less":
        return float(stdtr(freedom, statistic))
    return min(1.0, 2 * float(stdtr(freedom, -abs(statistic))))
