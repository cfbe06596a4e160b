"""Local days, and the periods of a window, against the plainest definition."""

import random
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from libs.common.buckets import WindowTooWide
from services.metrics.daily.days import day_of, edges_of, start_of
from services.metrics.daily.periods import count_periods, periods, span_of

ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "America/Havana", "Africa/Cairo", "UTC"]
EVERY_TURN = [date(2026, 3, 8), date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 1), date(2026, 10, 30)]


@pytest.mark.parametrize("zone", ZONES)
def test_an_instant_belongs_to_the_date_on_the_clock_and_days_meet_without_gap(zone):
    clock, chance = ZoneInfo(zone), random.Random(1)

    for turn in EVERY_TURN:
        for _ in range(200):
            at = datetime.combine(turn, time(), UTC) + timedelta(seconds=chance.randrange(-180_000, 180_000))

            day = day_of(at, clock)

            assert day == at.astimezone(clock).date()
            assert start_of(day, clock) <= at < start_of(day + timedelta(days=1), clock)


def test_a_date_that_comes_twice_is_one_day_and_the_next_has_begun():
    st_johns = ZoneInfo(
        "America/St_Johns"
    )  # at 00:01 on 7 November 2010 clocks went back to 23:01 on the 6th
    begins = datetime(2010, 11, 7, 2, 30, tzinfo=UTC)

    assert start_of(date(2010, 11, 7), st_johns) == begins
    assert day_of(begins - timedelta(microseconds=1), st_johns) == date(2010, 11, 6)
    assert [day_of(begins + timedelta(minutes=10 * n), st_johns).day for n in range(9)] == [7] * 9


def test_a_date_that_was_skipped_has_no_instant():
    apia = ZoneInfo("Pacific/Apia")  # 30 December 2011 never was
    turn = datetime(2011, 12, 30, 10, tzinfo=UTC)

    days, edges = edges_of(date(2011, 12, 29), date(2012, 1, 1), apia)

    assert days == [date(2011, 12, 29), date(2011, 12, 31)]
    assert edges[1] == turn
    assert day_of(turn, apia) == date(2011, 12, 31)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("granularity", ["day", "week", "month"])
def test_periods_are_those_of_the_days_that_begin_within_the_window(zone, granularity):
    clock, chance = ZoneInfo(zone), random.Random(zone + granularity)
    for _ in range(30):
        start = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=chance.randrange(6_000))
        end = start + timedelta(hours=chance.randrange(1, 3_000))
        every = [start.astimezone(clock).date() + timedelta(days=n) for n in range(-1, 130)]
        inside = [day for day in every if start <= start_of(day, clock) < end]
        naive = {
            "day": lambda day: day,
            "week": lambda day: day - timedelta(days=day.weekday()),
            "month": lambda day: day.replace(day=1),
        }[granularity]

        span = span_of(start, end, clock)
        found = list(periods(uuid4(), span, granularity, clock))

        assert [one.start_date for one in found] == sorted({naive(day) for day in inside})
        assert count_periods(span, granularity) == len(found)
        assert [day for one in found for day in inside if one.first <= day < one.end] == inside
        for one, following in pairwise(found):
            assert (one.end, one.ends_at) == (following.first, following.starts_at)


def test_a_window_of_centuries_is_refused_before_its_days_are_counted():
    with pytest.raises(WindowTooWide):
        span_of(datetime(1, 1, 2, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC), ZoneInfo("UTC"))
