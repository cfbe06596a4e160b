"""Where the level of evenly spaced values shifted."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.metrics.statistics.autocorrelation import lag_one, unbiased

_SHORTEST: Final = 5
_SHORTEST_HALF: Final = 30
_SIGNIFICANCE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Shift:
    """A level that begins at `at`; the means reach to the shifts before and after."""

    at: int
    mean_before: float
    mean_after: float
    p_value: float


def level_shifts(values: Sequence[float]) -> list[Shift]:
    """The shifts in the order of time; empty when noise, autocorrelated as it is, explains all.

    Binary segmentation. Within a stretch, the place where the sum of deviations from the mean strays furthest
    splits it when chance would let it stray as far in less than 1 of 100 cases, and when two levels describe
    it better than one slope; both parts are then looked at in the same way. Where a longer stretch as a whole
    shows nothing its overlapping halves are tried, so that a level that comes and goes is not averaged away.
    Levels last at least 5 values.

    Source: W. Ploberger and W. Krämer (1992), The CUSUM test with OLS residuals, Econometrica 60 (test);
    S. Kovács et al. (2023), Seeded binary segmentation, Biometrika 110 (overlapping stretches; we take one
    layer, and multiply the p-value by the number of its stretches).
    """
    data = np.asarray(values, np.float64)
    found = sorted(_split(data, 0, len(data)))
    edges = [0, *(at for at, _ in found), len(data)]
    return [
        Shift(
            at,
            float(data[edges[place] : at].mean()),
            float(data[at : edges[place + 2]].mean()),
            p_value,
        )
        for place, (at, p_value) in enumerate(found)
    ]


def _split(data: NDArray[np.float64], start: int, end: int) -> list[tuple[int, float]]:
    if end - start < 2 * _SHORTEST:
        return []
    shift = _tested(data, start, end) or _surest_of_halves(data, start, end)
    if shift is None:
        return []
    at, p_value = shift
    return [*_split(data, start, at), (at, p_value), *_split(data, at, end)]


def _surest_of_halves(data: NDArray[np.float64], start: int, end: int) -> tuple[int, float] | None:
    length = (end - start) // 2
    if length < _SHORTEST_HALF or _is_slope(data[start:end]):
        return None
    firsts = (start, start + length // 2, end - length)
    shifts = (_tested(data, first, first + length, tries=len(firsts)) for first in firsts)
    return min((shift for shift in shifts if shift is not None), key=lambda shift: shift[1], default=None)


def _tested(data: NDArray[np.float64], start: int, end: int, *, tries: int = 1) -> tuple[int, float] | None:
    """The likeliest shift of a stretch and its p-value, if it is one."""
    part = data[start:end]
    at = _likeliest(part)
    strayed = abs(float((part[:at] - part.mean()).sum()))
    p_value = min(1.0, tries * _p_value(strayed, _around_two_levels(part, at)))
    return None if p_value >= _SIGNIFICANCE or _is_slope(part) else (start + at, p_value)


def _likeliest(part: NDArray[np.float64]) -> int:
    strayed = np.abs(np.cumsum(part - part.mean()))
    return int(strayed[_SHORTEST - 1 : len(part) - _SHORTEST].argmax()) + _SHORTEST


def _around_two_levels(part: NDArray[np.float64], at: int) -> NDArray[np.float64]:
    return np.concatenate((part[:at] - part[:at].mean(), part[at:] - part[at:].mean()))


def _p_value(strayed: float, residuals: NDArray[np.float64]) -> float:
    """Chance that a Brownian bridge strays as far as the scaled sum of deviations did."""
    count = len(residuals)
    variance = float(residuals @ residuals) / (count - 2)
    if variance <= 1e-24 * strayed * strayed:
        return 1.0 if strayed == 0.0 else 0.0
    autocorrelation = unbiased(lag_one(residuals) or 0.0, count) or 0.0
    distance = strayed / sqrt(count * variance * (1 + autocorrelation) / (1 - autocorrelation))
    return _bridge(distance)


def _bridge(distance: float) -> float:
    """P(sup |B| > distance) of a Brownian bridge: the Kolmogorov distribution's upper tail."""
    if distance < 0.2:
        return 1.0
    terms = [exp(-2 * (term * distance) ** 2) for term in range(1, 101)]
    return min(1.0, max(0.0, 2 * (sum(terms[::2]) - sum(terms[1::2]))))


def _is_slope(part: NDArray[np.float64]) -> bool:
    """Whether a straight line leaves less unexplained than the best two levels do."""
    at = np.arange(len(part)) - (len(part) - 1) / 2
    along = part - part.mean() - float(at @ part) / float(at @ at) * at
    residuals = _around_two_levels(part, _likeliest(part))
    return bool(along @ along < residuals @ residuals)
