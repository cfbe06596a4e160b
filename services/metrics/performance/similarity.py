"""Which past shows resemble a show; pure."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt

from libs.common.buckets import microseconds

SIMILARITIES: Final = ("venue", "weekday", "genre", "price_band", "capacity")
MOST_COMPARABLES: Final = 20
_LEAST_IN_COMMON: Final = 2
_BAND: Final = 0.25
_NEVER: Final = np.iinfo(np.int64).max // 4
_NAMES: Final = tuple(
    tuple(name for bit, name in enumerate(SIMILARITIES) if shared >> bit & 1)
    for shared in range(1 << len(SIMILARITIES))
)
"""Similarities by their bits."""
_COUNTS: Final = np.array([len(names) for names in _NAMES], np.int8)


@dataclass(frozen=True, slots=True)
class Traits:
    """What shows are compared by.

    Attributes:
        event_id: The show.
        venue_id: Its venue.
        weekday: Of its start on the venue's clock, Monday 0.
        genre: Its genre; "" where not told, which resembles nothing.
        price_minor: Median price of its ticket types; None where not known, which resembles nothing.
        currency: Of the price; prices of two currencies do not resemble each other.
        capacity: Its seats, at least 1.
        doors_at: When its doors open.
        began_at: When its sales began; None: not known.
    """

    event_id: UUID
    venue_id: UUID
    weekday: int
    genre: str
    price_minor: float | None
    currency: str
    capacity: int
    doors_at: datetime
    began_at: datetime | None


class Comparable(NamedTuple):
    """A past show, what it has in common with another, and when it was as far before its doors."""

    event_id: UUID
    until: datetime
    similarities: tuple[str, ...]


class Past:
    """Past shows, laid out once for every show that is compared with them.

    Args:
        shows: Shows whose doors have opened.
        at: The present instant.
    """

    def __init__(self, shows: Sequence[Traits], at: datetime) -> None:
        self._shows = sorted(shows, key=lambda show: (-microseconds(show.doors_at), show.event_id))
        self._at = at
        self._codes: dict[Hashable, int] = {}
        self._venue = self._coded([show.venue_id for show in self._shows])
        self._genre = self._coded([show.genre.casefold() for show in self._shows])
        self._currency = self._coded([show.currency for show in self._shows])
        self._weekday = np.array([show.weekday for show in self._shows], np.int64)
        self._capacity = np.array([show.capacity for show in self._shows], np.float64)
        self._price = np.array(
            [np.nan if show.price_minor is None else show.price_minor for show in self._shows], np.float64
        )
        self._doors = np.array([microseconds(show.doors_at) for show in self._shows], np.int64)
        self._began = np.array(
            [_NEVER if show.began_at is None else microseconds(show.began_at) for show in self._shows],
            np.int64,
        )

    def comparable_to(self, show: Traits) -> list[Comparable]:
        """At most 20 past shows with at least 2 things in common, those with the most first, then the latest.

        Only shows whose sales cover the same distance to the doors are comparable: it was on sale by then,
        and that instant is not in the future. Prices and capacities are alike when they are at most 25 %
        above or below the show's own.
        """
        if not self._shows:
            return []
        shared = self._in_common(show)
        count = _COUNTS[shared]
        ahead = show.doors_at - self._at
        until = self._doors - (microseconds(show.doors_at) - microseconds(self._at))
        fit = (count >= _LEAST_IN_COMMON) & (self._began <= until) & (until <= microseconds(self._at))
        places = np.flatnonzero(fit)
        ranked = places[np.argsort(-count[places], kind="stable")]
        found = [
            Comparable(
                self._shows[place].event_id,
                self._shows[place].doors_at - ahead,
                _NAMES[shared[place]],
            )
            for place in ranked[: MOST_COMPARABLES + 1].tolist()
            if self._shows[place].event_id != show.event_id
        ]
        return found[:MOST_COMPARABLES]

    def _in_common(self, show: Traits) -> npt.NDArray[np.int8]:
        """What each past show has in common with the show: a bit a similarity, in their order."""
        shared: npt.NDArray[np.int8] = (self._venue == self._codes.get(show.venue_id, -1)).astype(np.int8)
        shared |= (self._weekday == show.weekday).astype(np.int8) << 1
        if show.genre:
            shared |= (self._genre == self._codes.get(show.genre.casefold(), -1)).astype(np.int8) << 2
        if show.price_minor is not None:
            near = np.abs(self._price - show.price_minor) <= _BAND * show.price_minor
            near &= self._currency == self._codes.get(show.currency, -1)
            shared |= near.astype(np.int8) << 3
        shared |= (np.abs(self._capacity - show.capacity) <= _BAND * show.capacity).astype(np.int8) << 4
        return shared

    def _coded(self, values: Sequence[Hashable]) -> npt.NDArray[np.int64]:
        codes = self._codes
        return np.array([codes.setdefault(value, len(codes)) for value in values], np.int64)
