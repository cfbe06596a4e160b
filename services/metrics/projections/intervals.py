"""80% intervals of days and of their sum, from the errors that the back-test saw.

Errors are divided by the square root of what was expected, since the variance of sums of sales grows with
their number, and count half as much for every five weeks that a fold lies back, since seasons change. They
are split into each fold's mean, which its days share, and the rest. Means count with both signs, since a bias
of the past need not last, and wider the fewer folds there are. A day's interval takes quantiles of the errors
seen about as many weeks ahead. The interval of the sum takes quantiles of sums over bootstrapped paths: a
fold's mean for the whole path plus weeks of the rest, drawn as blocks; adding daily bounds would treat all
days as wrong together.

Source: R. F. Barber, E. J. Candes, A. Ramdas and R. J. Tibshirani, "Conformal prediction beyond
exchangeability", Annals of Statistics 51 (2023), for weights that fade with age; H. R. Kuensch, "The
jackknife and the bootstrap for general stationary observations", ibid. 17 (1989), for the block bootstrap;
the expansion of Student's t in M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions" (1964),
26.7.5.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from services.metrics.projections.back_test import Paths, Trial
from services.metrics.projections.models import WEEK, Series

_TAIL: Final = 0.1
_NORMAL_TAIL: Final = 1.2815515655446004
_PATHS: Final = 2000
_LEAST_SCALE: Final = 0.5
_HALF_LIFE: Final = 5 * WEEK
_LEAST_FOLDS: Final = 4


class Range(NamedTuple):
    """Lower and upper ends."""

    low: Series
    high: Series


def daily(trial: Trial, forecast: Series, usual: float) -> Range:
    """The interval of every day of a forecast.

    Args:
        trial: The back-test of the same model.
        forecast: Expected days, from the first one tried on.
        usual: Mean absolute value of the history, half of which bounds scales from below.
    """
    errors, weights = _scaled(trial, usual), _weights(trial)
    weeks = _weeks_tried(errors)
    low, high = np.empty(len(forecast)), np.empty(len(forecast))
    for week in range(-(-len(forecast) // WEEK)):
        near = min(week, weeks - 1)
        seen = errors[:, max(near - 1, 0) * WEEK : (near + 2) * WEEK]
        days = slice(week * WEEK, (week + 1) * WEEK)
        low[days], high[days] = _bounds(seen, weights)
    scale = _scale(forecast, usual)
    return Range(forecast + np.minimum(low * scale, 0), forecast + np.maximum(high * scale, 0))


def of_sum(trial: Trial, forecast: Series, usual: float) -> tuple[float, float]:
    """The interval of the sum of a forecast's days."""
    random = np.random.default_rng(len(forecast))
    errors, weights = _scaled(trial, usual), _weights(trial)
    level, rest = _parts(errors, weights)
    weeks = -(-len(forecast) // WEEK)
    blocks = np.lib.stride_tricks.sliding_window_view(rest, WEEK, axis=1).reshape(-1, WEEK)
    blocks = blocks[~np.isnan(blocks).any(axis=1)]
    drawn = blocks[random.integers(len(blocks), size=(_PATHS, weeks))].reshape(_PATHS, -1)
    levels = random.choice(level, size=_PATHS, p=weights / weights.sum()) * random.choice((-1, 1), _PATHS)
    paths = drawn[:, : len(forecast)] + levels[:, None]
    low, high = np.quantile(paths @ _scale(forecast, usual), [_TAIL, 1 - _TAIL])
    total = float(forecast.sum())
    return total + min(float(low), 0.0), total + max(float(high), 0.0)


def coverage(trial: Trial, usual: float) -> float | None:
    """Share of tried days inside the interval that the other folds' errors give; None with one fold."""
    folds = range(len(trial.origins))
    if len(folds) < 2:
        return None
    inside = []
    for fold in folds:
        came = trial.actual[fold][~np.isnan(trial.actual[fold])]
        others = trial.only([other for other in folds if other != fold])
        range_ = daily(others, trial.forecast[fold][: len(came)], usual)
        inside.append((range_.low <= came) & (came <= range_.high))
    return float(np.mean(np.concatenate(inside)))


def _weeks_tried(errors: Paths) -> int:
    """Weeks ahead that a few folds at least have seen come."""
    folds = (~np.isnan(errors)).sum(axis=0)
    enough = int((folds >= min(_LEAST_FOLDS, folds.max())).sum())
    return max(enough // WEEK, 1)


def _bounds(errors: Paths, weights: Series) -> tuple[float, float]:
    """Quantiles of errors whose folds weigh so much."""
    known = ~np.isnan(errors)
    folds = known.any(axis=1)
    errors, weights, known = errors[folds], weights[folds], known[folds]
    level, rest = _parts(errors, weights)
    each = np.broadcast_to(weights[:, None], errors.shape)[known]
    both = np.concatenate([(rest + level[:, None])[known], (rest - level[:, None])[known]])
    return _quantile(both, np.tile(each, 2), _TAIL), _quantile(both, np.tile(each, 2), 1 - _TAIL)


def _quantile(values: Series, weights: Series, share: float) -> float:
    """The value below which so much of the weight lies, between midpoints."""
    order = np.argsort(values)
    heavy = weights[order]
    return float(np.interp(share, (np.cumsum(heavy) - heavy / 2) / heavy.sum(), values[order]))


def _parts(errors: Paths, weights: Series) -> tuple[Series, Paths]:
    """Errors as each fold's mean, widened for how few folds there are, and what is left.

    Weighted folds count as many as Kish's effective sample size says.
    """
    level = np.nanmean(errors, axis=1)
    count = float(weights.sum() ** 2 / (weights**2).sum())
    return level * _widening(count), errors - level[:, None]


def _widening(count: float) -> float:
    """How much wider a t interval for one more value is than a normal one, at our tails.

    Args:
        count: Values seen.
    """
    freedom = max(count - 1, 1)
    z = _NORMAL_TAIL
    student = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    return float(student / z * np.sqrt(1 + 1 / count))


def _weights(trial: Trial) -> npt.NDArray[np.float64]:
    """A fold's weight by its age."""
    origins = np.array(trial.origins, dtype=np.float64)
    return np.asarray(0.5 ** ((origins.max() - origins) / _HALF_LIFE))


def _scaled(trial: Trial, usual: float) -> Paths:
    return np.asarray(trial.errors / _scale(trial.forecast, usual))


def _scale(forecast: Series, usual: float) -> Series:
    return np.asarray(np.sqrt(np.maximum(forecast, _LEAST_SCALE * usual)))
