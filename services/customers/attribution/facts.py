"""Facts of a question as columns of numbers: small to keep, quick to hand to another process."""

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final, NamedTuple, Self

KINDS: Final = ("impression", "open", "click", "visit")
NOBODY: Final = 0
"""The number of a customer or session that is not known."""


def number_of(identity: str | None) -> int:
    """A number that stands for an id: the same in every process, `NOBODY` for none."""
    if not identity:
        return NOBODY
    return int.from_bytes(blake2b(identity.encode(), digest_size=8).digest()) or 1


class Names(dict[str, int]):
    """Texts that repeat, numbered as they come."""

    def __missing__(self, name: str) -> int:
        self[name] = len(self)
        return self[name]


class Touch(NamedTuple):
    """One touchpoint; ids are numbers, `is_own` tells the campaign's in question."""

    touchpoint: int
    person: int
    session: int
    channel: str
    is_own: bool
    kind: str
    at: int
    cost_minor: int
    cost_currency: str


class Bought(NamedTuple):
    """One purchase in one currency; `stands` in the one that counts it."""

    order: int
    person: int
    session: int
    at: int
    currency: str
    gross_minor: int
    refund_minor: int
    stands: bool


class Named(NamedTuple):
    """Somebody was known in a session from this time on, by what they did in it."""

    person: int
    session: int
    at: int


_TOUCH_COLUMNS: Final = "QQQibbqqi"
_BOUGHT_COLUMNS: Final = "QQQqiqqb"
_NAMED_COLUMNS: Final = "QQq"


@dataclass(slots=True)
class Facts:
    """Touchpoints and purchases of a venue, and who is known in sessions.

    `newest_us` is the time of the newest touchpoint or purchase, None without any.
    """

    names: Names = field(default_factory=Names)
    newest_us: int | None = None
    _touches: tuple["array[int]", ...] = field(default_factory=lambda: _columns(_TOUCH_COLUMNS))
    _bought: tuple["array[int]", ...] = field(default_factory=lambda: _columns(_BOUGHT_COLUMNS))

    _named: tuple["array[int]", ...] = field(default_factory=lambda: _columns(_NAMED_COLUMNS))

    def __len__(self) -> int:
        return len(self._touches[0]) + len(self._bought[0])

    def add_touches(self, touches: Iterable[Touch]) -> None:
        names = self.names
        for touch in touches:
            # In a row of numbers a text is the place of its name, which the tuple's types do not know.
            row = touch._replace(
                channel=names[touch.channel],  # type: ignore[arg-type]
                kind=KINDS.index(touch.kind),  # type: ignore[arg-type]
                cost_currency=names[touch.cost_currency],  # type: ignore[arg-type]
            )
            _append(self._touches, row)
            self._saw(touch.at)

    def add_bought(self, purchases: Iterable[tuple[Bought, int]]) -> None:
        """Purchases, each with the time of the newest fact about it in microseconds."""
        for bought, newest_us in purchases:
            # As above: the currency as its name's place.
            _append(self._bought, bought._replace(currency=self.names[bought.currency]))  # type: ignore[arg-type]
            self._saw(newest_us)

    def add_named(self, people: Iterable[Named]) -> None:
        for named in people:
            _append(self._named, named)

    def named(self) -> Iterator[Named]:
        for row in zip(*self._named, strict=True):
            yield Named(*row)

    def touches(self) -> Iterator[Touch]:
        names = list(self.names)
        for row in zip(*self._touches, strict=True):
            touchpoint, person, session, channel, is_own, kind, at, cost, currency = row
            yield Touch(
                touchpoint,
                person,
                session,
                names[channel],
                bool(is_own),
                KINDS[kind],
                at,
                cost,
                names[currency],
            )

    def bought(self) -> Iterator[Bought]:
        names = list(self.names)
        for order, person, session, at, currency, gross, refund, stands in zip(*self._bought, strict=True):
            yield Bought(order, person, session, at, names[currency], gross, refund, bool(stands))

    def encoded(self, question: Mapping[str, Any]) -> bytes:
        """The facts and a question about them, whose values are JSON."""
        columns = (*self._touches, *self._bought, *self._named)
        header = {
            "question": dict(question),
            "names": list(self.names),
            "newest_us": self.newest_us,
            "counts": [len(column) for column in columns],
        }
        return b"".join([json.dumps(header).encode(), b"\n", *(column.tobytes() for column in columns)])

    @classmethod
    def decoded(cls, content: bytes) -> tuple[Self, dict[str, Any]]:
        """What `encoded` was given."""
        head, _, body = content.partition(b"\n")
        header = json.loads(head)
        facts = cls(Names({name: number for number, name in enumerate(header["names"])}), header["newest_us"])
        begin = 0
        columns = (*facts._touches, *facts._bought, *facts._named)
        for column, count in zip(columns, header["counts"], strict=True):
            end = begin + count * column.itemsize
            column.frombytes(body[begin:end])
            begin = end
        return facts, header["question"]

    def _saw(self, at_us: int) -> None:
        self.newest_us = at_us if self.newest_us is None else max(self.newest_us, at_us)


def _columns(codes: str) -> tuple["array[int]", ...]:
    return tuple(array(code) for code in codes)


def _append(columns: Sequence["array[int]"], row: Iterable[Any]) -> None:
    for column, value in zip(columns, row, strict=True):
        column.append(value)
