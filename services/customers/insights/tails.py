"""How far a value lies outside what earlier ones lead to expect, whatever their tails."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_FREEDOMS: Final = (3.0, 4.0, 5.0, 6.0, 8.0)
_ROUNDS: Final = 60


@dataclass(frozen=True, slots=True)
class Spread:
    """Student's t around `centre`."""

    centre: float
    scale: float
    freedom: float

    def p_value(self, value: float) -> float:
        """Chance of a value at least as far from the centre, on either side."""
        from scipy.special import stdtr

        return min(1.0, 2 * float(stdtr(self.freedom, -abs(value - self.centre) / self.scale)))


def spread_of(residuals: NDArray[np.float64]) -> Spread | None:
    """The spread of residuals; None where they do not vary.

    Tails are as heavy as the likeliest of 3 to 8 degrees of freedom: never as light as the normal's, since
    what lies outside of what was seen cannot be read off a few dozen days.

    Source: K. L. Lange, R. J. A. Little and J. M. G. Taylor (1989), Robust statistical modeling using the t
    distribution, JASA 84: scale by iteratively reweighted squares for each number of degrees of freedom;
    we fix the centre at the median.
    """
    from scipy.special import gammaln

    centre = float(np.median(residuals))
    squares = (residuals - centre) ** 2
    variance = float(squares.mean())
    if variance <= 0:
        return None
    best: tuple[float, Spread] | None = None
    for freedom in _FREEDOMS:
        scale2 = variance
        for _ in range(_ROUNDS):
            scale2 = float(((freedom + 1) / (freedom + squares / scale2) * squares).mean())
        likelihood = float(
            len(squares) * (gammaln((freedom + 1) / 2) - gammaln(freedom / 2) - np.log(freedom * scale2) / 2)
            - (freedom + 1) / 2 * np.log1p(squares / (freedom * scale2)).sum()
        )
        if best is None or likelihood > best[0]:
            best = (likelihood, Spread(centre, float(np.sqrt(scale2)), freedom))
    return None if best is None else best[1]
