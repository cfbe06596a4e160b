"""Intervals of credits by resampling journeys."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def bootstrap(
    observed: NDArray[np.int64],
    credit: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    resamples: int = 500,
    confidence: float = 0.8,
    seed: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Low and high ends of each channel's credit, by percentiles over resampled journeys.

    Source: B. Efron (1979), Bootstrap methods: another look at the jackknife, Annals of Statistics 7.

    Args:
        observed: How often each kind of journey occurred; as many journeys are drawn again with replacement.
        credit: The model: credits by channel from such counts.
        resamples: Draws, at least one.
        confidence: Mass between the ends, in (0, 1).
        seed: The same one gives the same interval.
    """
    if not 0 < confidence < 1:
        raise ValueError("confidence lies between 0 and 1")
    generator = np.random.default_rng(seed)
    kinds = np.repeat(np.arange(len(observed)), observed)
    drawn = []
    for _ in range(resamples):
        sample = kinds[generator.integers(len(kinds), size=len(kinds))]
        drawn.append(credit(np.bincount(sample, minlength=len(observed)).astype(np.float64)))
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.array(drawn), [tail, 1 - tail], axis=0)
    return low, high
