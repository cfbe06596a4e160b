"""Rolling-origin back-tests: each fold knows only what was known on its day.

The latest folds have seen only a part of their days come; those count, because nothing is fresher.

Source: L. J. Tashman, "Out-of-sample tests of forecasting accuracy", Int. J. of Forecasting 16 (2000); R. J.
Hyndman and A. B. Koehler, "Another look at measures of forecast accuracy", ibid. 22 (2006), for MASE.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from services.metrics.projections.models import WEEK, Series

LEAST_PAST: Final = 2 * WEEK
"""Days that every fold is fitted on at least: two of each weekday."""
_MOST_FOLDS: Final = 16

Paths = npt.NDArray[np.float64]
Forecast = Callable[[int, int], Series | None]
"""Forecast of the days from an origin on, given origin and number of days; None where there is none."""


class Plan(NamedTuple):
    """Origins of the folds, a week apart and on the weekday of the real one, latest first."""

    origins: tuple[int, ...]
    horizon: int


class Trial(NamedTuple):
    """What a model forecast in each fold, and what came: folds x days, the latter NaN where not yet come."""

    origins: tuple[int, ...]
    forecast: Paths
    actual: Paths

    @property
    def errors(self) -> Paths:
        return self.actual - self.forecast

    @property
    def mean_absolute_error(self) -> float:
        return float(np.nanmean(np.abs(self.errors)))

    def only(self, folds: slice | list[int]) -> Self:
        """Some of its folds."""
        origins = tuple(np.array(self.origins)[folds].tolist())
        return self._replace(origins=origins, forecast=self.forecast[folds], actual=self.actual[folds])


def plan(history_days: int, days: int) -> Plan:
    """Folds for a projection of `days` from so many days of history.

    As many folds as the history has room for, up to 16, of `days` days or as many as came since the first.

    Args:
        history_days: 28 or more.
        days: Days to project.
    """
    count = min((history_days - LEAST_PAST) // WEEK, _MOST_FOLDS)
    origins = tuple(history_days - WEEK * weeks for weeks in range(1, count + 1))
    return Plan(origins, min(max(days, WEEK), count * WEEK))


def tried(net: Series, folds: Plan, forecast: Forecast) -> Trial | None:
    """The forecasts of every fold that has one beside the days that came; None where no fold has one."""
    made = [(origin, forecast(origin, folds.horizon)) for origin in folds.origins]
    able = [(origin, path) for origin, path in made if path is not None]
    if not able:
        return None
    known = np.concatenate([net, np.full(folds.horizon, np.nan)])
    return Trial(
        tuple(origin for origin, _ in able),
        np.array([path for _, path in able]),
        np.array([known[origin : origin + folds.horizon] for origin, _ in able]),
    )


def mean_absolute_scaled_error(net: Series, trial: Trial) -> float | None:
    """Mean over folds and days of the absolute error over the fold's in-sample error of seasonal naive.

    Source: Hyndman and Koehler (2006), section 3, with the seasonal naive method of period 7 as scale.

    Returns:
        The ratio, or None where repeating a week is without error in a fold's past.
    """
    scales = [float(np.mean(np.abs(net[WEEK:origin] - net[: origin - WEEK]))) for origin in trial.origins]
    if min(scales) == 0:
        return None
    return float(np.nanmean(np.abs(trial.errors) / np.array(scales)[:, None]))
