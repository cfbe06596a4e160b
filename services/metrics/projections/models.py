"""Forecasts of one daily series from its past: the last week again, smoothing, Theta, and others to mix in.

Smoothing and Theta are fitted without closed days, so that a holiday does not become every week's pattern.

Source: R. J. Hyndman et al., "Forecasting with Exponential Smoothing" (2008), model ETS(A,N,A): level and
weekday; no trend, since one that is carried on for months is seldom there; on square roots where nothing is
negative, because the variance of sums of sales grows with their number (M. S. Bartlett, "The square root
transformation in analysis of variance", J. of the Royal Statistical Society, Supplement 3 (1936)); what
comes back is the median of a day rather than its mean. V. Assimakopoulos and K. Nikolopoulos, "The theta
model", Int. J. of Forecasting 16 (2000), as R. J. Hyndman and B. Billah, "Unmasking the Theta method", ibid.
19 (2003) put it: simple exponential smoothing plus half the linear trend; the weekday pattern is taken off
additively, because days without sales are zeros. L. Davies and U. Gather, "The identification of multiple
outliers", JASA 88 (1993), for the Hampel identifier.
"""

import warnings
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

WEEK: Final = 7
LONGEST_PAST: Final = 196
"""Days a model looks back, 28 weeks: a weekday pattern of last year is no better guide than this one's."""

_YEAR: Final = 52 * WEEK
_LEVEL_DAYS: Final = 8 * WEEK
_LEAST_TO_START_FROM: Final = 16
_NEIGHBOURS: Final = 4
_OUTLYING: Final = 3.5

Series = npt.NDArray[np.float64]
Model = Callable[[Series, int], Series]


def seasonal_naive(past: Series, days: int) -> Series:
    """The last week again and again.

    Args:
        past: At least a week of daily values, oldest first.
        days: How many to forecast.
    """
    return np.resize(past[-WEEK:], days)


def ets(past: Series, days: int) -> Series:
    """Exponential smoothing of level and weekday pattern, smoothing parameters by maximum likelihood.

    The states start from a moving average of the first weeks instead of being estimated: five times as
    fast, and no worse.

    Args:
        past: At least two weeks of daily values, oldest first.
        days: How many to forecast.
    """
    if past.min() < 0:
        return _without_closed_days(_smoothed, past, days)
    return np.maximum(_without_closed_days(_smoothed, np.sqrt(past), days), 0) ** 2


def theta(past: Series, days: int) -> Series:
    """The Theta method with theta 2 on the series without its weekday pattern.

    Args:
        past: At least two weeks of daily values, oldest first.
        days: How many to forecast.
    """
    return _without_closed_days(_theta, past, days)


def weekday_median(past: Series, days: int) -> Series:
    """The median of each weekday over the last eight weeks.

    Args:
        past: At least a week of daily values, oldest first.
        days: How many to forecast.
    """
    weeks = min(len(past), _LEVEL_DAYS) // WEEK
    return np.resize(np.median(past[-weeks * WEEK :].reshape(weeks, WEEK), axis=0), days)


def last_year(past: Series, days: int) -> Series | None:
    """The same weekdays of a year before, times how much the last eight weeks are over those a year before.

    Args:
        past: Daily values, oldest first.
        days: How many to forecast.

    Returns:
        The forecast, or None of less than 60 weeks, or where those eight weeks of last year brought nothing.
    """
    if len(past) < _YEAR + _LEVEL_DAYS:
        return None
    before = float(past[-_YEAR - _LEVEL_DAYS : -_YEAR].sum())
    if before <= 0:
        return None
    return np.resize(past[-_YEAR:], days) * (max(float(past[-_LEVEL_DAYS:].sum()), 0.0) / before)


def without_outliers(past: Series) -> Series:
    """The series with days far below the same weekdays around them replaced by the median of those.

    Far is more than 3.5 robust standard deviations, the scaled median absolute deviation of all days from
    their medians over four weeks before and after. A series that mostly repeats itself is left as it is, and
    so are days far above: a closed day is an exception, a rush on tickets is the business.
    """
    weeks = -(-len(past) // WEEK)
    grid = np.full(weeks * WEEK, np.nan)
    grid[len(grid) - len(past) :] = past
    padded = np.pad(grid.reshape(weeks, WEEK), ((_NEIGHBOURS, _NEIGHBOURS), (0, 0)), constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEIGHBOURS + 1, axis=0)
    medians = np.nanmedian(around, axis=2).ravel()[len(grid) - len(past) :]
    fallen = medians - past
    limit = _OUTLYING * 1.4826 * float(np.median(np.abs(fallen)))
    return past if limit == 0 else np.where(fallen > limit, medians, past)


def _without_closed_days(model: Model, past: Series, days: int) -> Series:
    """Forecast of a model for the recent past without closed days, at unit variance."""
    usual = without_outliers(past[-LONGEST_PAST:])
    scale = float(np.std(usual))
    if scale == 0:
        return np.full(days, usual[-1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that stops early still forecasts; the back-test judges it
        return model(usual / scale, days) * scale


def _smoothed(past: Series, days: int) -> Series:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    start = "heuristic" if len(past) >= _LEAST_TO_START_FROM else "estimated"
    model = ETSModel(past, error="add", seasonal="add", seasonal_periods=WEEK, initialization_method=start)
    return np.asarray(model.fit(disp=False, maxiter=100).forecast(days), dtype=np.float64)


def _theta(past: Series, days: int) -> Series:
    from statsmodels.tsa.forecasting.theta import ThetaModel

    model = ThetaModel(past, period=WEEK, method="additive", deseasonalize=True)
    return np.asarray(model.fit(disp=False).forecast(days), dtype=np.float64)
