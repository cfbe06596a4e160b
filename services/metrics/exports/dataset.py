"""What a data set is: its columns, its statement, and what it can be narrowed by."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple


class Kind(Enum):
    """What the values of a column are; timestamps are microseconds since 1970."""

    STRING = 1
    INTEGER = 2
    NUMBER = 3
    TIMESTAMP = 4


class Column(NamedTuple):
    """A column as the statement selects it."""

    name: str
    kind: Kind


class Narrowing(Enum):
    """What only some data sets can be narrowed by; each is a bind of the statement after the first five."""

    EVENT = "eventId"
    METRIC_TYPE = "metricType"


@dataclass(frozen=True, slots=True)
class DataSet:
    """One data set.

    Attributes:
        name: As callers name it.
        columns: All columns, in the order in which the statement selects them.
        statement: Its binds are $1 tenant, $2 and $3 start and end of the window (null: open), $4 venue
            (null: every one), $5 most rows (null: all), $6 what it is narrowed by (null: by nothing). Ids
            come as text and instants as microseconds, which costs less than objects of either.
        narrowing: What $6 is; None where the statement has no $6.
    """

    name: str
    columns: tuple[Column, ...]
    statement: str
    narrowing: Narrowing | None = None


_SUFFIXES: Final = (("_minor", Kind.INTEGER), ("_count", Kind.INTEGER), ("_at", Kind.TIMESTAMP))


def columns(names: str, **others: Kind) -> tuple[Column, ...]:
    """Columns by their names: counts and minor units are whole numbers, what ends in `_at` an instant.

    Args:
        names: Names, parted by spaces.
        **others: Kinds of columns whose names do not tell; all that is left is text.
    """

    def kind(name: str) -> Kind:
        told = next((kind for suffix, kind in _SUFFIXES if name.endswith(suffix)), Kind.STRING)
        return others.get(name, told)

    return tuple(Column(name, kind(name)) for name in names.split())
