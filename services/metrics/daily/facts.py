"""What facts add to the daily tables, before their instants are turned into local days."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class DailyFact(NamedTuple):
    """A change of a venue's day, and of a show's where `event_id` is given.

    `figures` maps columns of the daily tables to what is added to them (negative: taken out). `currency` is
    empty for figures without money. `newest_fact_at` is the time of the newest event behind the change where
    that is not `at` itself, such as a refund that restates the day of its sale.
    """

    venue_id: UUID
    event_id: UUID | None
    at: datetime
    currency: str
    figures: Mapping[str, int]
    newest_fact_at: datetime | None = None


class DailyVisit(NamedTuple):
    """A session that did something at a venue; counts once a day and venue."""

    venue_id: UUID
    session_id: str
    at: datetime
