"""Half-open windows, and hour, day, week and month buckets as a venue's clock shows them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from libs.common.errors import AnalyticsError, InvalidField, Kind

Granularity = Literal["hour", "day", "week", "month"]
MAX_BUCKETS = 2000

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST = {"hour": _HOUR, "day": 26 * _HOUR, "week": 8 * _DAY, "month": 32 * _DAY}


class WindowTooWide(AnalyticsError):
    """The window has more buckets than one answer may hold."""

    kind = Kind.INVALID_ARGUMENT
    reason = "WINDOW_TOO_WIDE"


@dataclass(frozen=True, slots=True)
class Window:
    """All instants from `start` up to, not including, `end`; both aware."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs aware datetimes")

    @classmethod
    def of(
        cls, start: datetime, end: datetime, *, fields: tuple[str, str] = ("startDate", "endDate")
    ) -> "Window":
        """A window of a request.

        Raises:
            InvalidField: It is empty: the end is not after the start.
        """
        if end <= start:
            raise InvalidField.of(fields[1], f"must be after {fields[0]}")
        return cls(start, end)

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def previous(self, *, field: str = "startDate") -> "Window":
        """The window of equal length that ends where this one starts.

        Raises:
            InvalidField: It would start before the calendar does.
        """
        try:
            return Window(self.start - self.length, self.start)
        except OverflowError:
            raise InvalidField.of(field, "leaves no room for a window of this length before it") from None

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


def zone(name: str, *, field: str = "timeZone") -> ZoneInfo:
    """The IANA time zone of this name.

    Raises:
        InvalidField: There is none.
    """
    if name not in _zone_names():
        raise InvalidField.of(field, "must be an IANA time zone such as Europe/Vienna")
    return ZoneInfo(name)


def bucket_edges(
    window: Window, granularity: Granularity, clock: ZoneInfo, *, limit: int = MAX_BUCKETS
) -> list[datetime]:
    """Edges, in UTC, of every bucket that the window touches: n buckets have n + 1 edges.

    The first bucket holds the window's start, so it may begin before it; the last one may end after the
    window's end. A day runs from the first instant of a local date to that of the next (23 to 25 hours), a
    week starts on Monday (ISO 8601), an hour ends when the clock shows a full hour or is turned, so where
    clocks turn by half an hour some are shorter. In SQL: `width_bucket(occurred_at, edges)`.

    Raises:
        WindowTooWide: More than `limit` buckets.
    """
    if window.length > (limit + 1) * _LONGEST[granularity]:
        raise _too_wide(int(window.length / _LONGEST[granularity]), limit)
    edges = _hours(window, clock) if granularity == "hour" else _dates(window, granularity, clock)
    if len(edges) - 1 > limit:
        raise _too_wide(len(edges) - 1, limit)
    return edges


def microseconds(instant: datetime) -> int:
    """Exact microseconds since 1970 in UTC."""
    return (instant - _EPOCH) // _MICROSECOND


def _hours(window: Window, clock: ZoneInfo) -> list[datetime]:
    """Each stretch between two turns of the clock has one offset, so its full hours are evenly spaced."""
    start, end = window.start.astimezone(UTC), window.end.astimezone(UTC)
    turns = list(_turns(start - 2 * _HOUR, end + 2 * _HOUR, clock))
    edges: list[datetime] = []
    for begin, finish in zip([start - 2 * _HOUR, *turns], [*turns, end + 2 * _HOUR], strict=True):
        shown = begin.astimezone(clock)
        since_full_hour = timedelta(
            minutes=shown.minute, seconds=shown.second, microseconds=shown.microsecond
        )
        edge = begin
        following = begin + (_HOUR - since_full_hour)
        while edge < finish:
            edges.append(edge)
            edge, following = following, following + _HOUR
    first = max(index for index, edge in enumerate(edges) if edge <= start)
    last = min(index for index, edge in enumerate(edges) if edge >= end)
    return edges[first : last + 1]


def _dates(window: Window, granularity: Granularity, clock: ZoneInfo) -> list[datetime]:
    end = window.end.astimezone(UTC)
    day = _first_date(window.start.astimezone(clock).date(), granularity)
    edges = [_first_instant(day, clock)]
    while edges[-1] < end:
        day = _next_date(day, granularity)
        edge = _first_instant(day, clock)
        if edge > edges[-1]:  # a date that a zone skipped (Samoa, 30 December 2011) has no instant
            edges.append(edge)
    return edges


def _first_date(day: date, granularity: Granularity) -> date:
    if granularity == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if granularity == "month" else day


def _next_date(day: date, granularity: Granularity) -> date:
    if granularity == "month":
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day + timedelta(days=7 if granularity == "week" else 1)


def _first_instant(day: date, clock: ZoneInfo) -> datetime:
    """When this date begins: midnight, the first of two, or the turn of the clock that skipped it."""
    midnight = datetime.combine(day, time(), tzinfo=clock)
    instant = midnight.astimezone(UTC)
    if instant.astimezone(clock).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return instant
    return next(
        turn
        for turn in _turns(instant - 2 * _DAY, instant + 2 * _DAY, clock)
        if turn.astimezone(clock).date() >= day
    )


def _turns(start: datetime, end: datetime, clock: ZoneInfo) -> Iterator[datetime]:
    """Instants between `start` and `end` at which the zone's offset changes, to the second, by bisection."""
    known, last = int(start.timestamp()), int(end.timestamp())
    while known < last:
        ahead = min(known + 86400, last)
        if _offset(known, clock) != _offset(ahead, clock):
            low, high = known, ahead
            while high - low > 1:
                middle = (low + high) // 2
                if _offset(middle, clock) == _offset(known, clock):
                    low = middle
                else:
                    high = middle
            yield datetime.fromtimestamp(high, UTC)
        known = ahead


def _offset(epoch_seconds: int, clock: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(epoch_seconds, clock).utcoffset()


def _too_wide(count: int, limit: int) -> WindowTooWide:
    return WindowTooWide(
        f"at most {limit} buckets; ask for a shorter window or a coarser granularity",
        bucket_count=count,
        limit=limit,
    )


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())
