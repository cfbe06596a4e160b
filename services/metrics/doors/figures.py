"""How the house of a show fills: rates of the last minutes, and when all will be in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

MINUTE: Final = timedelta(minutes=1)
SHOWN_MINUTES: Final = 30
RATE_MINUTES: Final = 5
FARTHEST: Final = timedelta(days=365)
"""A house that would need longer at the current rate has no time at which all are in."""


class Minute(NamedTuple):
    """What happened at a gate in one minute."""

    start: datetime
    admitted_count: int
    refused_count: int


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate of a show; `minutes` are the last ones, oldest first, the running one last, none left out."""

    name: str
    admitted_count: int
    refused_count: int
    last_scan_at: datetime | None
    minutes: tuple[Minute, ...]

    @property
    def rate(self) -> float:
        """Tickets admitted a minute over the last complete minutes."""
        complete = self.minutes[-1 - RATE_MINUTES : -1]
        return sum(minute.admitted_count for minute in complete) / RATE_MINUTES


@dataclass(frozen=True, slots=True)
class Board:
    """One show's house; what the platform has not told is None."""

    event_id: UUID
    name: str | None
    doors_at: datetime | None
    starts_at: datetime | None
    sold_count: int
    admitted_count: int
    inside_count: int
    gates: tuple[Gate, ...]

    @property
    def admitted_ratio(self) -> float | None:
        """Share of sold tickets that came in, at most 1; None when none is sold."""
        return min(1.0, self.admitted_count / self.sold_count) if self.sold_count > 0 else None

    @property
    def rate(self) -> float:
        """Tickets admitted a minute over the last complete minutes, all gates."""
        return sum(gate.rate for gate in self.gates)

    def all_inside_at(self, now: datetime) -> datetime | None:
        """When every sold ticket is in if they keep coming as now; None when none come or all are in."""
        left = self.sold_count - self.admitted_count
        if left <= 0 or self.rate <= 0 or left > self.rate * (FARTHEST / MINUTE):
            return None
        return now + MINUTE * (left / self.rate)


def shown_minutes(now: datetime) -> list[datetime]:
    """First instants of the minutes a board shows, oldest first, the running one last."""
    running = now.replace(second=0, microsecond=0)
    return [running - MINUTE * ago for ago in range(SHOWN_MINUTES - 1, -1, -1)]


def filled(starts: Sequence[datetime], counted: Iterable[Minute]) -> tuple[Minute, ...]:
    """One entry a minute, also where nothing was counted."""
    by_start = {minute.start: minute for minute in counted}
    return tuple(by_start.get(start) or Minute(start, 0, 0) for start in starts)
