"""What one query gave."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from libs.common.errors import AnalyticsError
from services.metrics.errors import TooManyGroups

MOST_GROUPS: Final = 1000


@dataclass(frozen=True, slots=True)
class Value:
    """One value; `value` is None where it is not defined, `count` are the facts behind it."""

    labels: Mapping[str, str]
    currency: str
    value: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One value a label set (and currency)."""

    values: tuple[Value, ...]
    as_of: datetime | None


Outcome: TypeAlias = Answer | AnalyticsError


def outcome(values: Iterable[Value], moments: Iterable[datetime | None]) -> Outcome:
    """The values, unless they have too many label sets.

    Args:
        values: Values in their order.
        moments: Times of newest facts.
    """
    kept = tuple(values)
    if len({tuple(value.labels.items()) for value in kept}) > MOST_GROUPS:
        return too_many_groups()
    return Answer(kept, max((moment for moment in moments if moment is not None), default=None))


def too_many_groups() -> TooManyGroups:
    return TooManyGroups(
        f"more than {MOST_GROUPS} label sets: ask for fewer labels or filter", limit=MOST_GROUPS
    )


def labelled(labels: Iterable[str], values: Mapping[str, object]) -> dict[str, str]:
    """Texts of the labels asked for; one that the facts do not have is missing."""
    return {label: str(values[label]) for label in labels if values[label] is not None}
