"""Where scores change in a run: enough to rank one customer anew, exactly as a whole run would."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

BEYOND: Final = int(np.iinfo(np.int64).max)
"""A bound that no value reaches."""
_NEIGHBOURS: Final = 3
"""Distinct values kept on either side of a border: one more or one fewer customer moves a border past at most
one of them, for the doubled ranks of distinct values differ by two at least."""


class Point(NamedTuple):
    """A value that customers of the run had: how many had less, and how many had just that."""

    value: int
    below: int
    equal: int


@dataclass(frozen=True, slots=True)
class CutPoints:
    """The values around the borders between scores, rising, among `count` ranked customers."""

    count: int
    points: Sequence[Point]

    @property
    def bounds(self) -> tuple[int, ...]:
        """The lowest values that score 2, 3, 4 and 5; `BEYOND` where nobody scores so well."""
        scores = [(_score(point.below, point.equal, self.count), point.value) for point in self.points]
        return tuple(
            min((value for found, value in scores if found >= score), default=BEYOND) for score in range(2, 6)
        )

    def score(self, value: int, ranked: int | None) -> int:
        """The score of a customer who now has `value`, when nobody else changed.

        Args:
            value: What the customer has now.
            ranked: What the run ranked the customer by; None: it did not know the customer.
        """
        found = self._place(value)
        if isinstance(found, int):
            return found
        below, equal = found
        count = self.count + (ranked is None)
        if ranked is not None:
            below -= ranked < value
            equal -= ranked == value
        return _score(below, equal + 1, count)

    def _place(self, value: int) -> tuple[int, int] | int:
        """How many have less and how many just the value; or the score of all values hereabouts."""
        at = bisect_left(self.points, value, key=lambda point: point.value)
        following = self.points[at] if at < len(self.points) else None
        if following is not None and following.value == value:
            return following.below, following.equal
        before = self.points[at - 1] if at else None
        reached = before.below + before.equal if before is not None else 0
        if reached == (following.below if following is not None else self.count):
            return reached, 0
        inside = following or before
        assert inside is not None, "a run without customers has no border to hide values"
        return _score(inside.below, inside.equal, self.count)


def cut_points(values: NDArray[np.int64]) -> CutPoints:
    """The cut points of a run's column; the higher the value, the better the score."""
    distinct, equal = np.unique(values, return_counts=True)
    below = np.cumsum(equal) - equal
    scores = -(-(5 * (2 * below + equal + 1)) // (2 * max(len(values), 1)))
    borders = np.flatnonzero(scores[1:] != scores[:-1]) + 1
    kept = sorted(
        {
            int(place)
            for border in borders
            for place in range(border - _NEIGHBOURS, border + _NEIGHBOURS)
            if 0 <= place < len(distinct)
        }
    )
    if len(distinct):
        kept = sorted({0, *kept, len(distinct) - 1})
    return CutPoints(
        len(values), tuple(Point(int(distinct[at]), int(below[at]), int(equal[at])) for at in kept)
    )


def _score(below: int, equal: int, count: int) -> int:
    """ceil(5 * average percentile rank), as `scoring.quintiles` says it."""
    return -(-(5 * (2 * below + equal + 1)) // (2 * count))
