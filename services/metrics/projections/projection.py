"""Chooses the model that did best on the past and projects with it; numbers in, numbers out.

Runs in a process of its own, because the libraries behind it are large.
"""

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from services.metrics.projections.back_test import Trial, mean_absolute_scaled_error, plan, tried
from services.metrics.projections.booking import Shows
from services.metrics.projections.candidates import YARDSTICK, Candidate, Candidates
from services.metrics.projections.intervals import coverage, daily, of_sum
from services.metrics.projections.models import Series

_LEAST_FOLDS_MISSING_SOME: Final = 6
"""Folds in which a candidate must have been tried where it could not be tried in all of them."""


@dataclass(frozen=True, slots=True)
class Tested:
    """How a model did in the back-test; money in the unit of the history."""

    mean_absolute_error: float
    mean_absolute_scaled_error: float | None
    interval_coverage_ratio: float | None
    fold_count: int
    horizon_days: int


@dataclass(frozen=True, slots=True)
class Projected:
    """What to expect of each day, and of all of them."""

    model: str
    uses_shows: bool
    uses_last_year: bool
    expected: Series
    low: Series
    high: Series
    total: tuple[float, float]
    tested: Tested
    naive: Tested


def project(net: Series, shows: Shows, days: int) -> Projected:
    """The next `days` days after the one that runs.

    Args:
        net: Net revenue by day, 28 days or more, oldest first, up to the eve of the running day.
        shows: Shows that sold in the history or will, by its day numbers.
        days: How many days to project.
    """
    usual = float(np.mean(np.abs(net)))
    candidates = Candidates(net, shows, days + 1)
    best, trial, naive = _chosen(net, candidates, days + 1)
    with_today = candidates.forecast(best, len(net), days + 1)
    assert with_today is not None  # all() names only what can be forecast now
    expected, (low, high) = with_today[1:], of_sum(trial, with_today[1:], usual)
    interval = daily(trial, with_today, usual)
    least = 0.0 if net.min() >= 0 else -np.inf
    return Projected(
        model=best.model,
        uses_shows=best.uses_shows,
        uses_last_year=best.uses_last_year,
        expected=expected,
        low=np.maximum(interval.low[1:], least),
        high=interval.high[1:],
        total=(max(low, least), high),
        tested=_tested(net, trial, usual),
        naive=_tested(net, naive, usual),
    )


def _chosen(net: Series, candidates: Candidates, days: int) -> tuple[Candidate, Trial, Trial]:
    """The candidate with the least error relative to the yardstick's in the same folds, and both trials."""
    folds = plan(len(net), days)
    yardstick = tried(net, folds, partial(candidates.forecast, YARDSTICK))
    assert yardstick is not None
    best, least = (YARDSTICK, yardstick, yardstick), 1.0
    for one in candidates.all():
        trial = tried(net, folds, partial(candidates.forecast, one))
        if trial is None or len(trial.origins) < min(_LEAST_FOLDS_MISSING_SOME, len(folds.origins)):
            continue
        same = yardstick.only(slice(len(trial.origins)))
        if trial.mean_absolute_error < least * same.mean_absolute_error:
            best = (one, trial, same)
            least = trial.mean_absolute_error / same.mean_absolute_error
    return best


def _tested(net: Series, trial: Trial, usual: float) -> Tested:
    return Tested(
        mean_absolute_error=trial.mean_absolute_error,
        mean_absolute_scaled_error=mean_absolute_scaled_error(net, trial),
        interval_coverage_ratio=coverage(trial, usual),
        fold_count=len(trial.origins),
        horizon_days=trial.forecast.shape[1],
    )
