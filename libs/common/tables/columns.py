"""What the columns of a table are."""

from enum import Enum
from typing import Final, NamedTuple


class Kind(Enum):
    """What the values of a column are; timestamps are microseconds since 1970."""

    STRING = 1
    INTEGER = 2
    NUMBER = 3
    TIMESTAMP = 4
    BOOLEAN = 5


class Column(NamedTuple):
    """A column as the statement selects it."""

    name: str
    kind: Kind


_TELLING: Final = (
    ("_minor", Kind.INTEGER),
    ("_count", Kind.INTEGER),
    ("_score", Kind.INTEGER),
    ("_at", Kind.TIMESTAMP),
)


def columns(names: str, **others: Kind) -> tuple[Column, ...]:
    """Columns by names that tell: counts, scores and minor units are whole numbers, `_at` ends an instant.

    Args:
        names: Names, parted by spaces.
        **others: Kinds of columns whose names do not tell; all that is left is text.
    """

    def kind(name: str) -> Kind:
        told = next((kind for suffix, kind in _TELLING if name.endswith(suffix)), Kind.STRING)
        return others.get(name, told)

    return tuple(Column(name, kind(name)) for name in names.split())
