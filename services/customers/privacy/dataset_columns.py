"""Columns of an extract: what a person's facts say in each, and how a group of people is described by it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

UNKNOWN: Final = "unknown"
_ORDER_BANDS: Final = ((0, "0"), (1, "1"), (2, "2"), (3, "3-5"), (6, "6-10"), (11, "11+"))
_SPEND_BANDS: Final = (
    (0, "0"),
    (1, "1-2499"),
    (2_500, "2500-4999"),
    (5_000, "5000-9999"),
    (10_000, "10000-24999"),
    (25_000, "25000-49999"),
    (50_000, "50000-99999"),
    (100_000, "100000+"),
)
"""Least value and name of each band; money in minor units."""


@dataclass(frozen=True, slots=True)
class Person:
    """What an extract takes of one person. Months count from year 0; None where there was none."""

    city: str
    country: str
    channel: str
    registration_month: int | None
    first_purchase_month: int | None
    last_purchase_month: int | None
    order_count: int
    spend_minor: int
    marketing_consent: bool | None


@dataclass(frozen=True, slots=True)
class Described:
    """One column of a group: the words that occur, or the two ends of a range."""

    words: tuple[str, ...] = ()
    low: str = ""
    high: str = ""


Value = str | int


@dataclass(frozen=True, slots=True)
class Kind:
    """How one column is taken from people and described.

    Args:
        of: A person's value; None or empty where there is none.
        label: A value's name.
        on_a_line: Whether values have distances, so that a group is a range of them.
    """

    of: Callable[[Person], Value | None]
    label: Callable[[Value], str]
    on_a_line: bool

    def values(self, people: Sequence[Person]) -> tuple[list[Value], Value]:
        """Each person's value, and the one that stands for "unknown": on a line a year below all others."""
        raw = [self.of(person) for person in people]
        known = [value for value in raw if isinstance(value, int)]
        unknown: Value = min(known, default=0) - 12 if self.on_a_line else UNKNOWN
        return [unknown if value is None or value == "" else value for value in raw], unknown

    def described(self, values: Sequence[Value], unknown: Value) -> Described:
        """A group with these values, ascending."""
        labels = [UNKNOWN if value == unknown else self.label(value) for value in values]
        return Described(low=labels[0], high=labels[-1]) if self.on_a_line else Described(tuple(labels))


def _text(value: Value) -> str:
    return str(value)


def _month(value: Value) -> str:
    return f"{int(value) // 12:04d}-{int(value) % 12 + 1:02d}"


def _band(value: int, bands: Sequence[tuple[int, str]]) -> int:
    return max(sum(value >= least for least, _ in bands) - 1, 0)


def _consent(person: Person) -> str | None:
    return None if person.marketing_consent is None else ("yes" if person.marketing_consent else "no")


KINDS: Final[Mapping[str, Kind]] = {
    "city": Kind(lambda person: person.city, _text, on_a_line=False),
    "country": Kind(lambda person: person.country, _text, on_a_line=False),
    "channel": Kind(lambda person: person.channel, _text, on_a_line=False),
    "registration_month": Kind(lambda person: person.registration_month, _month, on_a_line=True),
    "first_purchase_month": Kind(lambda person: person.first_purchase_month, _month, on_a_line=True),
    "last_purchase_month": Kind(lambda person: person.last_purchase_month, _month, on_a_line=True),
    "order_count": Kind(
        lambda person: _band(person.order_count, _ORDER_BANDS),
        lambda value: _ORDER_BANDS[int(value)][1],
        on_a_line=True,
    ),
    "spend": Kind(
        lambda person: _band(person.spend_minor, _SPEND_BANDS),
        lambda value: _SPEND_BANDS[int(value)][1],
        on_a_line=True,
    ),
    "marketing_consent": Kind(_consent, _text, on_a_line=False),
}
"""Every column by its name in the contract."""
