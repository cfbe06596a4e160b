"""What facts add to the daily tables, before their instants are turned into local days."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

_LAST_YEAR_OF_SECONDS: Final = 1972


def quarter_of(at: datetime) -> datetime:
    """The start of the quarter of an hour that holds an instant: every zone has both on one local day.

    Until 1972 there were zones whose days began at odd seconds; an instant of that time stands for itself.
    """
    if at.year <= _LAST_YEAR_OF_SECONDS:
        return at
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)


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
