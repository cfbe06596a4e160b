"""Chooses the model that did best on the past and projects with it; numbers in, numbers out.

Runs in a process of its own, because the libraries behind it are large.
"""

from dataclasses import dataclass
from functools import cache, partial
from typing import Final, NamedTuple

import numpy as np

from services.metrics.projections.back_test import (
    LEAST_PAST,
    Forecast,
    Plan,
    Trial,
    mean_absolute_scaled_error,
    plan,
    tried,
)
from services.metrics.projections.booking import Bookings, Shows
from services.metrics.projections.intervals import coverage, daily, of_sum
from services.metrics.projections.models import MODELS, Model, Series

NAIVE: Final = "seasonal_naive"


class Candidate(NamedTuple):
    """A model, on all revenue or on what known shows leave of it."""

    model: str
    uses_shows: bool


_YARDSTICK: Final = Candidate(NAIVE, uses_shows=False)


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
    folds = plan(len(net), days + 1)
    usual = float(np.mean(np.abs(net)))
    candidates = _candidates(net, shows, days + 1)
    trials = {one: tried(net, folds, forecast) for one, forecast in candidates.items()}
    best = min(trials, key=lambda one: trials[one].mean_absolute_error)
    expected = candidates[best](len(net), days + 1)[1:]
    interval, (low, high) = daily(trials[best], expected, usual), of_sum(trials[best], expected, usual)
    least = 0.0 if net.min() >= 0 else -np.inf
    return Projected(
        model=best.model,
        uses_shows=best.uses_shows,
        expected=expected,
        low=np.maximum(interval.low, least),
        high=interval.high,
        total=(max(low, least), high),
        tested=_tested(net, folds, trials[best], usual),
        naive=_tested(net, folds, trials[_YARDSTICK], usual),
    )


def _candidates(net: Series, shows: Shows, days: int) -> dict[Candidate, Forecast]:
    """Each model on the whole series, and on what the known shows leave of it."""
    plain: dict[Candidate, Forecast] = {
        Candidate(name, uses_shows=False): partial(_plain, net, model) for name, model in MODELS.items()
    }
    if len(shows.doors) == 0:
        return plain
    explained = cache(Bookings(shows, len(net), days).contributions)

    def beside_shows(model: Model, origin: int, days: int) -> Series:
        first = min(shows.complete_from, origin - LEAST_PAST)
        past, of_shows = net[first:origin], explained(origin, days)
        forecast = model(past - of_shows[first:origin], days) + of_shows[origin:]
        return _as_signed_as(net[:origin], forecast)

    return plain | {
        Candidate(name, uses_shows=True): partial(beside_shows, model)
        for name, model in MODELS.items()
        if name != NAIVE
    }


def _plain(net: Series, model: Model, origin: int, days: int) -> Series:
    past = net[:origin]
    return _as_signed_as(past, model(past, days))


def _as_signed_as(past: Series, forecast: Series) -> Series:
    """No negative day where there never was one."""
    return np.maximum(forecast, 0) if past.min() >= 0 else forecast


def _tested(net: Series, folds: Plan, trial: Trial, usual: float) -> Tested:
    return Tested(
        mean_absolute_error=trial.mean_absolute_error,
        mean_absolute_scaled_error=mean_absolute_scaled_error(net, folds, trial),
        interval_coverage_ratio=coverage(trial, usual),
        fold_count=len(folds.origins),
        horizon_days=folds.horizon,
    )
