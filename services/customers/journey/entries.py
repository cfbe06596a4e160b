"""Entries of journeys, and the one order that all sources of them share."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Final, NamedTuple
from uuid import UUID

from libs.common.buckets import Window
from services.customers.behavior.reader import Session

LAST_KEY: Final = "\U0010ffff"
"""Sorts behind every key."""


class Kind(StrEnum):
    """What an entry is."""

    TOUCHPOINT = "touchpoint"
    SESSION = "session"
    ORDER = "order"
    ORDER_CANCELLED = "order_cancelled"
    REFUND = "refund"
    ADMISSION = "admission"
    TICKET_SENT = "ticket_sent"
    TICKET_RECEIVED = "ticket_received"


class Place(NamedTuple):
    """Where an entry stands. Greater places come first, so that what happens later changes no later page."""

    at: datetime
    kind: str
    key: str

    def key_of(self, kind: Kind) -> str:
        """Entries of this kind behind the place lie before its time, or at it with a lesser key than this."""
        if kind.value == self.kind:
            return self.key
        return LAST_KEY if kind.value < self.kind else ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened; `key` is its own among its kind. What does not apply is None or empty."""

    at: datetime
    kind: Kind
    key: str
    id: str
    event_id: UUID | None = None
    event_name: str = ""
    order_id: UUID | None = None
    session_id: str = ""
    channel: str = ""
    ticket_count: int | None = None
    amount_minor: int | None = None
    currency: str = ""
    campaign_id: str = ""
    action: str = ""
    session: Session | None = None

    @property
    def place(self) -> Place:
        return Place(self.at, self.kind.value, self.key)

    @property
    def newest_fact_at(self) -> datetime:
        return self.at if self.session is None else self.session.last_at


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a journey to read: behind a place (None: from its front), inside a window."""

    venue_id: UUID
    customer_id: UUID
    window: Window
    after: Place | None
    limit: int


def first_of(sources: Iterable[Sequence[Entry]], limit: int) -> list[Entry]:
    """The first entries of several sources, each of which is in the order of places and as long as needed."""
    merged = heapq.merge(*sources, key=lambda entry: entry.place, reverse=True)
    return list(islice(merged, limit))
