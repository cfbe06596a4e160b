"""Rows turned into the column arrays that `unnest` takes."""

from collections.abc import Iterable, Sequence
from typing import Any


def columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """One list a column; `width` says how many there are when there are no rows."""
    by_column = [list(column) for column in zip(*rows, strict=True)]
    return by_column or [[] for _ in range(width)]
