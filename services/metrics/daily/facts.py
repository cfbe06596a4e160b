"""What facts add to the daily tables, before their instants are turned into local days."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class DailyFact(NamedTuple):
    """A change of a venue's day, and of a show's where `event_id` is given.

    `figures` maps columns of the daily tables to what is added to them (negative: taken out). `currency` is
    empty for figures without money.
    """

    venue_id: UUID
    event_id: UUID | None
    at: datetime
    currency: str
    figures: Mapping[str, int]


class DailyVisit(NamedTuple):
    """A session that did something at a venue; counts once a day and venue."""

    venue_id: UUID
    session_id: str
    at: datetime
