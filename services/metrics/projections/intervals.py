"""80% intervals of days and of their sum, from the errors that the back-test saw.

Errors are divided by the square root of what was expected, since the variance of sums of sales grows with
their number, and split into each fold's mean, which a whole horizon shares, and the rest. Means count with
both signs, since a bias of the past need not last, and wider the fewer folds there are. A day's interval
takes quantiles of the errors seen about as many weeks ahead. The interval of the sum takes quantiles of sums
over bootstrapped paths: a fold's mean for the whole path plus weeks of the rest, drawn as blocks; adding
daily bounds would treat all days as wrong together.

Source: H. R. Kuensch, "The jackknife and the bootstrap for general stationary observations", Annals of
Statistics 17 (1989), for the block bootstrap; the expansion of Student's t in M. Abramowitz and I. A. Stegun,
"Handbook of Mathematical Functions" (1964), 26.7.5.
"""

from typing import Final, NamedTuple

import numpy as np

from services.metrics.projections.back_test import Paths, Trial
from services.metrics.projections.models import WEEK, Series

_TAIL: Final = 0.1
_NORMAL_TAIL: Final = 1.2815515655446004
_PATHS: Final = 2000
_LEAST_SCALE: Final = 0.05


class Range(NamedTuple):
    """Lower and upper ends."""

    low: Series
    high: Series


def daily(trial: Trial, forecast: Series, usual: float) -> Range:
    """The interval of every day of a forecast.

    Args:
        trial: The back-test of the same model.
        forecast: Expected days.
        usual: Mean absolute value of the history, which bounds scales from below.
    """
    level, rest = _parts(trial, usual)
    errors = np.concatenate([rest + level[:, None], rest - level[:, None]])
    weeks = errors.shape[1] // WEEK
    low, high = np.empty(len(forecast)), np.empty(len(forecast))
    for week in range(-(-len(forecast) // WEEK)):
        near = min(week, weeks - 1)
        seen = errors[:, max(near - 1, 0) * WEEK : (near + 2) * WEEK]
        days = slice(week * WEEK, (week + 1) * WEEK)
        low[days], high[days] = np.quantile(seen, [_TAIL, 1 - _TAIL])
    scale = _scale(forecast, usual)
    return Range(forecast + np.minimum(low * scale, 0), forecast + np.maximum(high * scale, 0))


def of_sum(trial: Trial, forecast: Series, usual: float) -> tuple[float, float]:
    """The interval of the sum of a forecast's days."""
    level, rest = _parts(trial, usual)
    random = np.random.default_rng(len(forecast))
    weeks = -(-len(forecast) // WEEK)
    blocks = np.lib.stride_tricks.sliding_window_view(rest, WEEK, axis=1).reshape(-1, WEEK)
    drawn = blocks[random.integers(len(blocks), size=(_PATHS, weeks))].reshape(_PATHS, -1)
    paths = drawn[:, : len(forecast)] + random.choice(np.concatenate([level, -level]), size=_PATHS)[:, None]
    low, high = np.quantile(paths @ _scale(forecast, usual), [_TAIL, 1 - _TAIL])
    total = float(forecast.sum())
    return total + min(float(low), 0.0), total + max(float(high), 0.0)


def coverage(trial: Trial, usual: float) -> float | None:
    """Share of tried days inside the interval that the other folds' errors give; None with one fold."""
    folds = range(len(trial.forecast))
    if len(folds) < 2:
        return None
    inside = []
    for fold in folds:
        others = [other for other in folds if other != fold]
        rest = Trial(trial.forecast[others], trial.actual[others])
        range_ = daily(rest, trial.forecast[fold], usual)
        inside.append((range_.low <= trial.actual[fold]) & (trial.actual[fold] <= range_.high))
    return float(np.mean(inside))


def _parts(trial: Trial, usual: float) -> tuple[Series, Paths]:
    """Scaled errors as each fold's mean, widened for how few folds there are, and what is left."""
    errors = trial.errors / _scale(trial.forecast, usual)
    level = errors.mean(axis=1)
    return level * _widening(len(level)), errors - level[:, None]


def _widening(count: int) -> float:
    """How much wider a t interval for one more value is than a normal one, at our tails.

    Args:
        count: Values seen.
    """
    freedom = max(count - 1, 1)
    z = _NORMAL_TAIL
    student = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    return float(student / z * np.sqrt(1 + 1 / count))


def _scale(forecast: Series, usual: float) -> Series:
    return np.asarray(np.sqrt(np.maximum(forecast, _LEAST_SCALE * usual)))
