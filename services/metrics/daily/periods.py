"""Days, weeks and months of a venue's calendar that a window covers."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.buckets import MAX_BUCKETS, WindowTooWide
from services.metrics.daily.days import after_month, days_beginning_in, start_of

Granularity = Literal["day", "week", "month"]

_DAY = timedelta(days=1)


class DaySpan(NamedTuple):
    """Local days from `first` up to, not including, `end`."""

    first: date
    end: date


class Period(NamedTuple):
    """One period of a venue: its name, and those of its days that the window covers, with their edges."""

    venue_id: UUID
    start_date: date
    first: date
    end: date
    starts_at: datetime
    ends_at: datetime


def span_of(start: datetime, end: datetime, clock: ZoneInfo) -> DaySpan:
    """The local days that begin within a window.

    Raises:
        WindowTooWide: They would not fit into an answer even as months.
    """
    if end - start > timedelta(days=31 * (MAX_BUCKETS + 1)):
        raise too_wide((end - start).days // 31)
    return DaySpan(*days_beginning_in(start, end, clock))


def count_periods(span: DaySpan, granularity: Granularity) -> int:
    """How many periods the days touch."""
    if span.first >= span.end:
        return 0
    last = span.end - _DAY
    if granularity == "day":
        return (span.end - span.first).days
    if granularity == "week":
        return (_start_date(last, "week") - _start_date(span.first, "week")).days // 7 + 1
    return (last.year - span.first.year) * 12 + last.month - span.first.month + 1


def periods(venue_id: UUID, span: DaySpan, granularity: Granularity, clock: ZoneInfo) -> Iterator[Period]:
    """Every period that the days touch, in the order of time; the outer ones may be cut by the window."""
    first = span.first
    while first < span.end:
        named = _start_date(first, granularity)
        end = min(_following(named, granularity), span.end)
        yield Period(venue_id, named, first, end, start_of(first, clock), start_of(end, clock))
        first = end


def too_wide(count: int) -> WindowTooWide:
    return WindowTooWide(
        f"at most {MAX_BUCKETS} periods; ask for a shorter window, a coarser granularity or one venue",
        bucket_count=count,
        limit=MAX_BUCKETS,
    )


def _start_date(day: date, granularity: Granularity) -> date:
    if granularity == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if granularity == "month" else day


def _following(start_date: date, granularity: Granularity) -> date:
    if granularity == "month":
        return after_month(start_date)
    return start_date + timedelta(days=7 if granularity == "week" else 1)
