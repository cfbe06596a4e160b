"""Local days of a venue: which one holds an instant, and when each begins."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from libs.common.buckets import Window, bucket_edges

LAST_DAY: Final = date(9998, 12, 1)
"""Days from here on are told by the calendar's date alone: what follows them lies outside of it."""

_INSTANT = timedelta(microseconds=1)
_DAY = timedelta(days=1)


def day_of(instant: datetime, clock: ZoneInfo) -> date:
    """The local day that holds the instant: days run from the first instant of a date to that of the next.

    Where clocks are turned back over midnight the old date comes a second time; that stretch belongs to the
    new day, which had begun.
    """
    try:
        shown = instant.astimezone(clock).date()
    except OverflowError:
        shown = instant.date()
    if shown >= LAST_DAY:
        return shown
    following = shown + _DAY
    return following if start_of(following, clock) <= instant else shown


@lru_cache(maxsize=65_536)
def start_of(day: date, clock: ZoneInfo) -> datetime:
    """First instant, UTC, of a local date; of a date that the zone skipped, that of the next one."""
    noon = datetime.combine(day, time(12), tzinfo=clock).astimezone(UTC)
    return bucket_edges(Window(noon, noon + _INSTANT), "day", clock)[0]


def edges_of(first: date, end: date, clock: ZoneInfo) -> tuple[list[date], list[datetime]]:
    """The local days from `first` up to, not including, `end`, and their edges: one more than days."""
    edges = bucket_edges(Window(start_of(first, clock), start_of(end, clock)), "day", clock)
    return [edge.astimezone(clock).date() for edge in edges[:-1]], edges


def days_beginning_in(start: datetime, end: datetime, clock: ZoneInfo) -> tuple[date, date]:
    """First and, not included, last local day among those that begin within a window."""
    return _next_beginning(start, clock), _next_beginning(end, clock)


def _next_beginning(instant: datetime, clock: ZoneInfo) -> date:
    """The local day that begins first at this instant or after it."""
    holding = day_of(instant, clock)
    return holding if start_of(holding, clock) == instant else holding + _DAY


def after_month(month: date) -> date:
    """First day of the calendar month after this one's."""
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)
