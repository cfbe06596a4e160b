"""Groups recorded rows into the rollup rows they add to; pure arithmetic on arrays."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]

MINUTE_US: Final = 60_000_000
ROLLUP_US: Final = 15 * MINUTE_US


@dataclass(frozen=True, slots=True)
class Rollup:
    """Sums of groups of rows, one entry a (key, bucket), ordered by both.

    `keys` are what the rows were grouped by; `buckets`, `newest` are microseconds since 1970;
    `last` is the value of the newest row (of the later one in the input where two are equally new).
    """

    keys: Integers
    buckets: Integers
    counts: Integers
    sums: Doubles
    minima: Doubles
    maxima: Doubles
    newest: Integers
    last: Doubles

    def columns(self) -> tuple[list[Any], ...]:
        """The arrays as Python lists in the order of the fields, ready to be bound."""
        return (
            self.keys.tolist(),
            self.buckets.tolist(),
            self.counts.tolist(),
            self.sums.tolist(),
            self.minima.tolist(),
            self.maxima.tolist(),
            self.newest.tolist(),
            self.last.tolist(),
        )


def rolled_up(keys: Integers, times: Integers, values: Doubles, bucket_us: int) -> Rollup:
    """Rows grouped by key and bucket.

    Args:
        keys: Group of each row.
        times: Microseconds since 1970 of each row.
        values: Value of each row; finite.
        bucket_us: Width of a bucket in microseconds.
    """
    buckets = times - times % bucket_us
    order = np.lexsort((times, keys))
    keys, buckets, times, values = keys[order], buckets[order], times[order], values[order]
    changes = (keys[1:] != keys[:-1]) | (buckets[1:] != buckets[:-1])
    starts = np.concatenate(([0], np.flatnonzero(changes) + 1)) if len(keys) else np.empty(0, np.int64)
    if not len(starts):
        nothing, nowhere = np.empty(0, np.int64), np.empty(0, np.float64)
        return Rollup(nothing, nothing, nothing, nowhere, nowhere, nowhere, nothing, nowhere)
    ends = np.concatenate((starts[1:], [len(keys)]))
    return Rollup(
        keys=keys[starts],
        buckets=buckets[starts],
        counts=ends - starts,
        sums=np.add.reduceat(values, starts),
        minima=np.minimum.reduceat(values, starts),
        maxima=np.maximum.reduceat(values, starts),
        newest=times[ends - 1],
        last=values[ends - 1],
    )
