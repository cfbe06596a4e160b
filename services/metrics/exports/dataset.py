"""What a data set is: its columns, its statement, and what it can be narrowed by."""

from dataclasses import dataclass
from enum import Enum

from libs.common.tables.columns import Column


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
