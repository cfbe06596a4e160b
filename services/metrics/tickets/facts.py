"""What platform events say about a ticket, merged so that the order of their arrival does not matter."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, Self, TypeVar
from uuid import UUID


class Place(NamedTuple):
    """Which show a ticket admits to, as the event `by` states it; the latest statement holds.

    Versions of scans, transfers and listings count different things, so only time decides.
    """

    at: datetime
    by: UUID
    venue_id: UUID
    event_id: UUID


class Told(NamedTuple):
    """Ticket type or order of a ticket, as the event `by` states it; the latest statement holds."""

    at: datetime
    by: UUID
    id: UUID


class Admission(NamedTuple):
    """A ticket came in; the earliest one is its admission."""

    at: datetime
    by: UUID
    gate: str


class Movement(NamedTuple):
    """A ticket came in or went out; the latest one tells whether it is inside."""

    at: datetime
    by: UUID
    is_inside: bool


class Scan(NamedTuple):
    """One scan as a gate reported it."""

    scan_id: UUID
    ticket_id: UUID
    event_id: UUID
    venue_id: UUID
    gate: str
    result: str
    at: datetime

    @property
    def is_refused(self) -> bool:
        return self.result == "refused"


@dataclass(frozen=True, slots=True)
class Ticket:
    """Everything known about one ticket. Merging is commutative, associative and idempotent."""

    ticket_id: UUID
    place: Place
    newest_fact_at: datetime
    ticket_type: Told | None = None
    order: Told | None = None
    admission: Admission | None = None
    movement: Movement | None = None
    first_transferred_at: datetime | None = None
    first_resold_at: datetime | None = None

    def merged(self, other: "Ticket") -> "Ticket":
        """What both say together."""
        return Ticket(
            ticket_id=self.ticket_id,
            place=max(self.place, other.place),
            newest_fact_at=max(self.newest_fact_at, other.newest_fact_at),
            ticket_type=_later(self.ticket_type, other.ticket_type),
            order=_later(self.order, other.order),
            admission=_earlier(self.admission, other.admission),
            movement=_later(self.movement, other.movement),
            first_transferred_at=_earlier(self.first_transferred_at, other.first_transferred_at),
            first_resold_at=_earlier(self.first_resold_at, other.first_resold_at),
        )


class _Ordered(Protocol):
    def __lt__(self, other: Self, /) -> bool: ...


_Fact = TypeVar("_Fact", bound=_Ordered)


def _later(one: _Fact | None, other: _Fact | None) -> _Fact | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def _earlier(one: _Fact | None, other: _Fact | None) -> _Fact | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
