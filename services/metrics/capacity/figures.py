"""Seats of ticket types, shows and venues; what is not known stays None."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Seats(NamedTuple):
    """How seats are used. `total` counts all that exist, `held` those kept back; None where not told."""

    total: int | None
    held: int | None
    sold: int

    @property
    def available(self) -> int | None:
        """Seats for sale, never below 0."""
        if self.total is None or self.held is None:
            return None
        return max(0, self.total - self.held - self.sold)

    @property
    def utilisation(self) -> float | None:
        """Sold over total; above 1 when oversold, None without a known, positive total."""
        return self.sold / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class TicketTypeSeats:
    """Seats of one ticket type; `ticket_type_id` None stands for tickets sold without one."""

    ticket_type_id: UUID | None
    name: str
    seats: Seats


@dataclass(frozen=True, slots=True)
class EventSeats:
    """Seats of one show, by ticket type and together."""

    event_id: UUID
    name: str
    starts_at: datetime | None
    seats: Seats
    ticket_types: tuple[TicketTypeSeats, ...]


def event_seats(capacity: int | None, ticket_types: Sequence[TicketTypeSeats]) -> Seats:
    """Seats of a show from its ticket types.

    The types tell the total only when each named one tells its own; otherwise what the show itself can hold
    counts, if that is known.

    Args:
        capacity: What the show can hold, or None.
        ticket_types: Those that the platform described and those that tickets were sold of.
    """
    sold = sum(each.seats.sold for each in ticket_types)
    named = [each.seats for each in ticket_types if each.ticket_type_id is not None]
    if not named:
        return Seats(capacity, None, sold)
    together = sum_of(named)
    if together.total is None:
        return Seats(capacity, together.held, sold)
    return Seats(together.total, together.held, sold)


def sum_of(parts: Iterable[Seats]) -> Seats:
    """All parts together; a figure that one part does not know is not known of the whole."""
    total: int | None = 0
    held: int | None = 0
    sold = 0
    for part in parts:
        total = None if total is None or part.total is None else total + part.total
        held = None if held is None or part.held is None else held + part.held
        sold += part.sold
    return Seats(total, held, sold)
