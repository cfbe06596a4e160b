"""Today, or a period that ends today, and the days before it, as a venue's clock shows them; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from libs.common.buckets import Granularity, Window, bucket_edges

MICROSECOND: Final = timedelta(microseconds=1)

GRANULARITIES: Final[Mapping[str, Granularity]] = {
    "today": "hour",
    "7d": "day",
    "30d": "day",
    "90d": "day",
    "mtd": "day",
    "ytd": "week",
}
"""Every period and the buckets in which its sales are shown."""

_DAYS: Final[Mapping[str, int]] = {"today": 1, "7d": 7, "30d": 30, "90d": 90}


@dataclass(frozen=True, slots=True)
class Windows:
    """A window that holds now as its last instant, and the one it is compared with, wholly before it."""

    current: Window
    previous: Window


def today_and_a_week_before(now: datetime, clock: ZoneInfo) -> Windows:
    """Today until now, and the same weekday of last week until the same local time."""
    return _windows(now, clock, days=1, back=7)


def period_and_the_one_before(now: datetime, period: str, clock: ZoneInfo) -> Windows:
    """The days of a period until now, and as many days before them until the same local time.

    Args:
        now: The present instant.
        period: A key of `GRANULARITIES`.
        clock: Whose days.
    """
    today = now.astimezone(clock).date()
    first = {"mtd": today.replace(day=1), "ytd": today.replace(month=1, day=1)}.get(period, today)
    days = _DAYS.get(period) or (today - first).days + 1
    return _windows(now, clock, days=days, back=days)


def whole_day(now: datetime, clock: ZoneInfo) -> Window:
    """The local day that holds an instant, to its end."""
    start, end = bucket_edges(Window(now, now + MICROSECOND), "day", clock)
    return Window(start, end)


def instant_of(wall: datetime, clock: ZoneInfo, *, fold: int = 0) -> datetime:
    """The instant, UTC, at which a clock shows a local time.

    A time that is shown twice is the first of the two, or the second with `fold` 1 (PEP 495). A time that is
    skipped stands for the turn of the clock that skips it, so that a later local time is never an earlier
    instant; PEP 495 would go on in the offset from before the turn instead, past later times of the clock.

    Args:
        wall: A local time, without a zone.
        clock: Who shows it.
        fold: Which of two.
    """
    before = wall.replace(tzinfo=clock, fold=1).astimezone(UTC)
    after = wall.replace(tzinfo=clock, fold=0).astimezone(UTC)
    if _shown(after, clock) == wall.replace(fold=0):
        return before if fold else after
    edges = bucket_edges(Window(before, after), "hour", clock)
    return next(edge for edge in edges if _shown(edge, clock) > wall)


def _windows(now: datetime, clock: ZoneInfo, *, days: int, back: int) -> Windows:
    """So many local days until now, and the same ones `back` days earlier until the same local time."""
    local = now.astimezone(clock)
    first = local.date() - timedelta(days=days - 1)
    earlier = local.replace(tzinfo=None) - timedelta(days=back)
    previous_end = instant_of(earlier, clock, fold=local.fold) + MICROSECOND
    return Windows(
        Window(_first_instant(first, clock), now.astimezone(UTC) + MICROSECOND),
        Window(_first_instant(first - timedelta(days=back), clock), previous_end),
    )


def _first_instant(day: date, clock: ZoneInfo) -> datetime:
    return instant_of(datetime.combine(day, time()), clock)


def _shown(instant: datetime, clock: ZoneInfo) -> datetime:
    return instant.astimezone(clock).replace(tzinfo=None, fold=0)
