"""What is compared with what, on ordinary days and around turns of the clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.overview.windows import (
    GRANULARITIES,
    MICROSECOND,
    instant_of,
    period_and_the_one_before,
    today_and_a_week_before,
    whole_day,
)

BERLIN, NEW_YORK, KATHMANDU = map(ZoneInfo, ("Europe/Berlin", "America/New_York", "Asia/Kathmandu"))
ZONES = [BERLIN, NEW_YORK, KATHMANDU, ZoneInfo("UTC")]
DAYS = {"today": 1, "7d": 7, "30d": 30, "90d": 90}


def at(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def shown(window, clock):
    """Both edges as the clock shows them; of the end the last instant that belongs to the window."""
    return tuple(
        f"{instant.astimezone(clock):%m-%d %H:%M}" for instant in (window.start, window.end - MICROSECOND)
    )


@pytest.mark.parametrize("clock", ZONES)
def test_today_is_compared_with_the_weekday_of_last_week(clock):
    now = datetime(2026, 6, 17, 15, 45, 30, 5, tzinfo=clock)

    windows = today_and_a_week_before(now, clock)

    assert windows.current.start == datetime(2026, 6, 17, tzinfo=clock)
    assert windows.current.end == now + MICROSECOND
    assert windows.previous.start == datetime(2026, 6, 10, tzinfo=clock)
    assert windows.previous.end == now - timedelta(days=7) + MICROSECOND


@pytest.mark.parametrize(
    ("clock", "now", "previous_end", "hours"),
    [
        # A week after the clocks went forward: last week's day was an hour short, the local time is the same.
        (BERLIN, "2026-04-05T15:00+02:00", "2026-03-29T15:00+02:00", 14),
        (NEW_YORK, "2026-03-15T15:00-04:00", "2026-03-08T15:00-04:00", 14),
        # On the day itself: today is an hour short.
        (BERLIN, "2026-03-29T15:00+02:00", "2026-03-22T15:00+01:00", 15),
        (NEW_YORK, "2026-03-08T15:00-04:00", "2026-03-01T15:00-05:00", 15),
        # A week after the clocks went back: last week's day had an hour more.
        (BERLIN, "2026-11-01T15:00+01:00", "2026-10-25T15:00+01:00", 16),
        (NEW_YORK, "2026-11-08T15:00-05:00", "2026-11-01T15:00-05:00", 16),
        # On the day itself, before, in the first, in the second of the two hours, and after.
        (BERLIN, "2026-10-25T01:30+02:00", "2026-10-18T01:30+02:00", 1.5),
        (BERLIN, "2026-10-25T02:30+02:00", "2026-10-18T02:30+02:00", 2.5),
        (BERLIN, "2026-10-25T02:30+01:00", "2026-10-18T02:30+02:00", 2.5),
        (BERLIN, "2026-10-25T15:00+01:00", "2026-10-18T15:00+02:00", 15),
        # Last week showed this time twice: the first of them has as much of the day behind it as today.
        (BERLIN, "2026-11-01T02:30+01:00", "2026-10-25T02:30+02:00", 2.5),
        (NEW_YORK, "2026-11-08T01:30-05:00", "2026-11-01T01:30-04:00", 1.5),
        # Last week skipped this time: until the clock was turned.
        (BERLIN, "2026-04-05T02:30+02:00", "2026-03-29T02:00+01:00", 2),
        (NEW_YORK, "2026-03-15T02:30-04:00", "2026-03-08T02:00-05:00", 2),
        # No clock is turned, and the offset is not of whole hours.
        (KATHMANDU, "2026-03-29T02:30+05:45", "2026-03-22T02:30+05:45", 2.5),
        # Midnight itself.
        (BERLIN, "2026-04-05T00:00+02:00", "2026-03-29T00:00+01:00", 0),
    ],
)
def test_last_week_ends_when_the_clock_showed_the_same_time(clock, now, previous_end, hours):
    windows = today_and_a_week_before(at(now), clock)

    assert windows.previous.end == at(previous_end) + MICROSECOND
    assert windows.previous.length == timedelta(hours=hours) + MICROSECOND
    assert windows.current.end == at(now) + MICROSECOND


def test_the_last_moment_of_a_day_is_compared_with_the_whole_day():
    windows = today_and_a_week_before(at("2026-04-05T23:59:59.999999+02:00"), BERLIN)

    assert windows.previous == whole_day(at("2026-03-29T12:00+02:00"), BERLIN)
    assert windows.current == whole_day(at("2026-04-05T12:00+02:00"), BERLIN)


def test_a_day_that_skips_midnight_begins_when_the_clock_is_turned():
    cairo = ZoneInfo("Africa/Cairo")  # on 24 April 2026 the clock went from 0:00 to 1:00

    windows = today_and_a_week_before(at("2026-05-01T00:30+03:00"), cairo)

    assert windows.previous.start == at("2026-04-24T00:00+02:00")
    assert windows.previous.end == at("2026-04-24T00:00+02:00") + MICROSECOND


def test_a_day_with_two_midnights_begins_at_the_first():
    havana = ZoneInfo("America/Havana")  # on 1 November 2026 the clock goes from 1:00 back to 0:00

    windows = today_and_a_week_before(at("2026-11-01T00:30-05:00"), havana)

    assert windows.current.start == at("2026-11-01T00:00-04:00")
    assert windows.current.length == timedelta(hours=1.5) + MICROSECOND


@pytest.mark.parametrize("clock", ZONES)
@pytest.mark.parametrize("period", GRANULARITIES)
@pytest.mark.parametrize("day", ["2026-01-01", "2026-03-08", "2026-04-01", "2026-10-31", "2024-12-31"])
def test_a_period_is_compared_with_as_many_days_before_it(clock, period, day):
    now = datetime.fromisoformat(f"{day}T15:20").replace(tzinfo=clock)
    local = now.date()
    days = DAYS.get(period) or {"mtd": local.day, "ytd": local.timetuple().tm_yday}[period]

    windows = period_and_the_one_before(now.astimezone(UTC), period, clock)

    first, last = (local - timedelta(days=count) for count in (days - 1, days))
    before = local - timedelta(days=2 * days - 1)
    assert shown(windows.current, clock) == (f"{first:%m-%d} 00:00", f"{local:%m-%d} 15:20")
    assert shown(windows.previous, clock) == (f"{before:%m-%d} 00:00", f"{last:%m-%d} 15:20")
    assert windows.previous.end <= windows.current.start
    turned = windows.current.length - windows.previous.length
    assert abs(turned) <= timedelta(hours=2)


@pytest.mark.parametrize(
    ("clock", "day", "hours"),
    [(BERLIN, "2026-03-29", 23), (NEW_YORK, "2026-11-01", 25), (KATHMANDU, "2026-11-01", 24)],
)
def test_the_whole_day_has_the_hours_that_the_clock_gives_it(clock, day, hours):
    start = datetime.fromisoformat(day).replace(tzinfo=clock)

    for now in (start, start + timedelta(hours=5), start + timedelta(hours=23, minutes=59)):
        if now.date() == start.date():
            found = whole_day(now.astimezone(UTC), clock)
            assert (found.start, found.length) == (start.astimezone(UTC), timedelta(hours=hours))


@given(
    minutes=st.integers(0, 3 * 366 * 24 * 60),
    further=st.integers(0, 200),
    clock=st.sampled_from([*ZONES, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Africa/Cairo")]),
)
@settings(max_examples=300, deadline=None)
def test_a_later_local_time_is_no_earlier_instant(minutes, further, clock):
    wall = datetime.fromisoformat("2024-01-01") + timedelta(minutes=minutes)

    instant = instant_of(wall, clock)

    assert instant <= instant_of(wall + timedelta(minutes=further), clock)
    back = instant.astimezone(clock).replace(tzinfo=None, fold=0)
    assert back == wall or (instant - MICROSECOND).astimezone(clock).replace(tzinfo=None) < wall < back
