"""How far neighbouring residuals resemble each other, and how much less they say for it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_MOST: Final = 0.99
_FEWEST: Final = 5


def lag_one(residuals: NDArray[np.float64]) -> float | None:
    """Lag-1 autocorrelation, -1 to 1; None for fewer than two residuals, 0 where nothing is left over."""
    if len(residuals) < 2:
        return None
    total = float(residuals @ residuals)
    return float(residuals[1:] @ residuals[:-1]) / total if total > 0 else 0.0


def unbiased(estimate: float, count: int) -> float | None:
    """The autocorrelation behind an estimate from the residuals of a fitted line or level, 0 to 0.99.

    Estimates from short series are too small by about (2 + 4 r) / n; this takes it off again. Negative ones
    count as 0: they would make an interval narrower on thin evidence.

    Source: D. Tjøstheim and J. Paulsen (1983), Bias of some commonly-used time series estimates,
    Biometrika 70: the first-order bias under a fitted trend, solved for r.

    Args:
        estimate: What `lag_one` gave.
        count: Residuals it was made from.
    """
    if count < _FEWEST:
        return None
    return min(max((count * estimate + 2) / (count - 4), 0.0), _MOST)


def effective_count(count: int, autocorrelation: float) -> float:
    """How many independent values say as much as `count` autocorrelated ones.

    Source: B. Santer et al. (2000), Statistical significance of trends, J. Geophys. Res. 105, eq. 6.
    """
    return count * (1 - autocorrelation) / (1 + autocorrelation)
