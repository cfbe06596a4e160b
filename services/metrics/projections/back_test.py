"""Rolling-origin back-tests: each fold knows only what was known on its day.

Source: L. J. Tashman, "Out-of-sample tests of forecasting accuracy", Int. J. of Forecasting 16 (2000); R. J.
Hyndman and A. B. Koehler, "Another look at measures of forecast accuracy", ibid. 22 (2006), for MASE.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from services.metrics.projections.models import WEEK, Series

LEAST_PAST: Final = 2 * WEEK
"""Days that every fold is fitted on at least: two of each weekday."""
_MOST_FOLDS: Final = 12

Paths = npt.NDArray[np.float64]
Forecast = Callable[[int, int], Series]
"""Forecast of the days from an origin on, given origin and number of days."""


class Plan(NamedTuple):
    """Origins of the folds, a week apart and on the weekday of the real one, latest first."""

    origins: tuple[int, ...]
    horizon: int


class Trial(NamedTuple):
    """What a model forecast in each fold, and what came: folds x days."""

    forecast: Paths
    actual: Paths

    @property
    def errors(self) -> Paths:
        return self.actual - self.forecast

    @property
    def mean_absolute_error(self) -> float:
        return float(np.mean(np.abs(self.errors)))


def plan(history_days: int, days: int) -> Plan:
    """Folds for a projection of `days` from so many days of history.

    As many folds as the history has room for, up to 12, of up to `days` days; of a short history a third is
    tried, so that enough remains to fit to.

    Args:
        history_days: 28 or more.
        days: Days to project.
    """
    horizon = min(max(days, WEEK), (history_days - LEAST_PAST) // 2)
    room = (history_days - horizon - LEAST_PAST) // WEEK + 1
    last = history_days - horizon
    return Plan(tuple(last - WEEK * fold for fold in range(min(room, _MOST_FOLDS))), horizon)


def tried(net: Series, folds: Plan, forecast: Forecast) -> Trial:
    """The forecasts of every fold beside the days that came."""
    return Trial(
        np.array([forecast(origin, folds.horizon) for origin in folds.origins]),
        np.array([net[origin : origin + folds.horizon] for origin in folds.origins]),
    )


def mean_absolute_scaled_error(net: Series, folds: Plan, trial: Trial) -> float | None:
    """Mean over folds and days of the absolute error over the fold's in-sample error of seasonal naive.

    Source: Hyndman and Koehler (2006), section 3, with the seasonal naive method of period 7 as scale.

    Returns:
        The ratio, or None where repeating a week is without error in a fold's past.
    """
    scales = [float(np.mean(np.abs(net[WEEK:origin] - net[: origin - WEEK]))) for origin in folds.origins]
    if min(scales) == 0:
        return None
    return float(np.mean(np.abs(trial.errors) / np.array(scales)[:, None]))
