"""Plain columns as matrices, one for trees and one for linear models; all is learnt from training rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.customers.lifetime.summaries import Array

Table = Mapping[str, NDArray[Any]]
"""Columns by name. Numbers may be NaN; columns of any other type are categories."""

_MOST_LEVELS: Final = 200


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """How the columns of one table become numbers.

    Attributes:
        numbers: Names of the numeric columns.
        levels: By name, the categories of the others, ascending; further ones are taken for unknown.
        centres: Of each numeric column: what stands for NaN, on the logarithmic scale.
        means: Of the linear columns.
        scales: Of the linear columns.
    """

    numbers: tuple[str, ...]
    levels: Mapping[str, NDArray[Any]]
    centres: Array
    means: Array
    scales: Array

    def for_trees(self, table: Table) -> Array:
        """Numbers as they are, then the number of each category, NaN where it is unknown."""
        columns = [np.asarray(table[name], np.float64) for name in self.numbers]
        columns += [_codes(np.asarray(table[name]), levels) for name, levels in self.levels.items()]
        return np.column_stack(columns)

    def for_linear(self, table: Table) -> Array:
        """Standardised: logarithms of numbers, whether each is missing, and a column a category."""
        return (self.plain(table) - self.means) / self.scales

    @property
    def categorical(self) -> list[bool]:
        """Which columns for trees are categories."""
        return [False] * len(self.numbers) + [True] * len(self.levels)

    def plain(self, table: Table) -> Array:
        """The linear columns before they are standardised."""
        numbers = np.column_stack([np.asarray(table[name], np.float64) for name in self.numbers])
        missing = np.isnan(numbers)
        logs = np.where(missing, self.centres, _logarithms(numbers))
        categories = [
            _codes(np.asarray(table[name]), levels)[:, None] == np.arange(len(levels))
            for name, levels in self.levels.items()
        ]
        return np.hstack([logs, missing, *categories])


def encoding_of(table: Table) -> Encoding:
    """Learnt from these rows; there is at least one numeric column."""
    numbers = tuple(name for name, column in table.items() if np.asarray(column).dtype.kind in "fiu")
    levels = {name: _levels(np.asarray(column)) for name, column in table.items() if name not in numbers}
    logs = _logarithms(np.column_stack([np.asarray(table[name], np.float64) for name in numbers]))
    some = ~np.isnan(logs).all(axis=0)
    centres = np.zeros(len(numbers))
    centres[some] = np.nanmedian(logs[:, some], axis=0)
    raw = Encoding(numbers, levels, centres, np.zeros(1), np.ones(1))
    plain = raw.plain(table)
    spread = plain.std(axis=0)
    return Encoding(numbers, levels, centres, plain.mean(axis=0), np.where(spread > 0, spread, 1.0))


def _logarithms(numbers: Array) -> Array:
    return np.asarray(np.sign(numbers) * np.log1p(np.abs(numbers)))


def _levels(column: NDArray[Any]) -> NDArray[Any]:
    """The most frequent categories."""
    levels, counts = np.unique(column, return_counts=True)
    return np.sort(levels[np.argsort(-counts, kind="stable")[:_MOST_LEVELS]])


def _codes(column: NDArray[Any], levels: NDArray[Any]) -> Array:
    places = np.minimum(np.searchsorted(levels, column), len(levels) - 1)
    return np.where(levels[places] == column, places, np.nan)
