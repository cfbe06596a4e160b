"""Groups of at least k alike: multidimensional generalisation of a table's quasi-identifiers.

Source: LeFevre, DeWitt, Ramakrishnan (2006), "Mondrian Multidimensional K-Anonymity", strict partitioning. We
differ in the choice of a cut: among the columns that can be cut it takes the one whose halves lose least
(NCP), not the widest. Loss: Xu et al. (2006), "Utility-Based Anonymization Using Local Recoding", normalised
certainty penalty (NCP); Bayardo and Agrawal (2005), "Data Privacy through Optimal k-Anonymization",
discernibility.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Column:
    """One quasi-identifier, as codes 0, 1, ... of its distinct values in their order.

    Args:
        codes: Code of each row.
        positions: Place of each code on a line, ascending, for values with distances; None for mere names.
    """

    codes: Codes
    positions: Floats | None = None

    @property
    def size(self) -> int:
        """How many values the column has."""
        return int(self.codes.max()) + 1 if self.codes.size else 0


def coded(values: Sequence[Any], *, on_a_line: bool) -> tuple[Column, list[Any]]:
    """A column of raw values, and the value behind each code.

    Args:
        values: Of one kind that sorts: numbers on a line, or texts.
        on_a_line: Whether distances between values mean something.
    """
    distinct, codes = np.unique(np.asarray(values), return_inverse=True)
    positions = distinct.astype(np.float64) if on_a_line else None
    return Column(codes.reshape(-1).astype(np.int64), positions), distinct.tolist()


def classes_of(columns: Sequence[Column], k: int) -> list[Rows]:
    """Rows in groups of at least k, none of which can be cut into two of at least k.

    Rows of one group are published with the same generalised values. Fewer than k rows in all make no group:
    the caller leaves them out. Deterministic, and independent of the order of the rows up to their numbering.

    Args:
        columns: The quasi-identifiers, of equal length.
        k: At least 2.
    """
    count = len(columns[0].codes)
    if count < k:
        return []
    table = np.stack([column.codes for column in columns])
    waiting: list[Rows] = [np.arange(count)]
    finished: list[Rows] = []
    while waiting:
        rows = waiting.pop()
        cut = _best_cut(columns, table[:, rows], k) if len(rows) >= 2 * k else None
        if cut is None:
            finished.append(rows)
        else:
            waiting += [rows[cut], rows[~cut]]
    return finished


def penalty(columns: Sequence[Column], groups: Sequence[Rows]) -> float:
    """Information lost by generalising each group, 0 (nothing) to 1 (every value replaced by "any").

    The mean over cells of the normalised certainty penalty: span over the column's whole span on a line,
    share of the column's names that the group has otherwise, and 0 where the group has one value. NaN without
    a row.
    """
    lost = [
        len(rows) * sum(_width(column, np.unique(column.codes[rows])) for column in columns)
        for rows in groups
    ]
    cells = sum(len(rows) for rows in groups) * len(columns)
    return sum(lost) / cells if cells else float("nan")


def discernibility(groups: Sequence[Rows], suppressed: int, total: int) -> int:
    """Sum over rows of the rows they cannot be told from; one left out cannot be told from any."""
    return sum(len(rows) ** 2 for rows in groups) + suppressed * total


def smallest_group(groups: Sequence[Rows]) -> int:
    """The k that holds: rows of the smallest group, 0 without a group."""
    return min((len(rows) for rows in groups), default=0)


def least_variety(groups: Sequence[Rows], sensitive: Codes) -> int:
    """The l that holds: distinct sensitive values of the group that has fewest, 0 without a group.

    Source: Machanavajjhala et al. (2007), "l-Diversity", distinct l-diversity.
    """
    return min((len(np.unique(sensitive[rows])) for rows in groups), default=0)


def _best_cut(columns: Sequence[Column], codes: Codes, k: int) -> npt.NDArray[np.bool_] | None:
    """Which rows of a group go to one half; None when no column can be cut into halves of at least k."""
    best: tuple[float, int] | None = None
    chosen: npt.NDArray[np.bool_] | None = None
    for at, column in enumerate(columns):
        limit = _middle_code(codes[at], column.size, k)
        if limit is None:
            continue
        below = codes[at] <= limit
        loss = _loss(columns, codes[:, below]) + _loss(columns, codes[:, ~below])
        if best is None or (loss, at) < best:
            best, chosen = (loss, at), below
    return chosen


def _middle_code(codes: Codes, size: int, k: int) -> int | None:
    """The greatest code of the lower half, nearest to the median of all codes that leave k on either side."""
    below = np.cumsum(np.bincount(codes, minlength=size))
    total = len(codes)
    possible = np.flatnonzero((below >= k) & (below <= total - k))
    if not possible.size:
        return None
    return int(possible[np.argmin(np.abs(2 * below[possible] - total))])


def _loss(columns: Sequence[Column], codes: Codes) -> float:
    pairs = zip(columns, codes, strict=True)
    return len(codes[0]) * sum(_width(column, _present(own, column.size)) for column, own in pairs)


def _present(codes: Codes, size: int) -> Rows:
    return np.flatnonzero(np.bincount(codes, minlength=size))


def _width(column: Column, present: npt.NDArray[np.integer]) -> float:
    """Penalty of one column in a group that holds these codes, ascending."""
    if len(present) < 2:
        return 0.0
    if column.positions is None:
        return len(present) / column.size
    first, last = float(column.positions[0]), float(column.positions[-1])
    low, high = float(column.positions[present[0]]), float(column.positions[present[-1]])
    return (high - low) / (last - first)
