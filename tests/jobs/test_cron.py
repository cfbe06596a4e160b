"""Cron on a zone's clock, through nights in which the clock is turned."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.errors import InvalidField
from libs.common.jobs.cron import Cron

VIENNA = ZoneInfo("Europe/Vienna")


def due_between(expression, zone, start, end):
    cron, instant, found = Cron(expression, zone), start, []
    while (instant := cron.next_after(instant)) < end:
        found.append(instant)
    return found


def day(month, number):
    return datetime(2026, month, number, tzinfo=VIENNA).astimezone(UTC)


@pytest.mark.parametrize(
    ("expression", "start", "end", "shown"),
    [
        ("30 2 * * *", day(3, 28), day(3, 31), ["28 02:30", "29 03:30", "30 02:30"]),
        ("30 2 * * *", day(10, 24), day(10, 27), ["24 02:30", "25 02:30", "26 02:30"]),
        ("0 6 * * 1-5", day(3, 27), day(4, 1), ["27 06:00", "30 06:00", "31 06:00"]),
    ],
)
def test_a_fixed_hour_is_due_once_a_day(expression, start, end, shown):
    due = due_between(expression, VIENNA, start, end)

    assert [instant.astimezone(VIENNA).strftime("%d %H:%M") for instant in due] == shown
    assert all(instant.astimezone(VIENNA).fold == 0 for instant in due)


@pytest.mark.parametrize(("number_of_hours", "month", "number"), [(23, 3, 29), (25, 10, 25), (24, 7, 1)])
def test_an_hourly_job_runs_every_elapsed_hour(number_of_hours, month, number):
    start = day(month, number) - timedelta(seconds=1)
    end = (datetime(2026, month, number, tzinfo=VIENNA) + timedelta(days=1)).astimezone(UTC)

    due = due_between("0 * * * *", VIENNA, start, end)

    assert len(due) == number_of_hours
    assert {later - earlier for earlier, later in pairwise(due)} == {timedelta(hours=1)}


@settings(max_examples=60, deadline=None)
@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(["Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
    st.sampled_from(["*/15 * * * *", "0 * * * *", "30 2 * * *", "0 0 1 * *", "5 4 * * sun"]),
)
def test_the_next_time_is_later_and_nothing_lies_between(instant, zone, expression):
    cron = Cron(expression, ZoneInfo(zone))

    due = cron.next_after(instant)

    assert due > instant
    assert cron.next_after(due - timedelta(microseconds=1)) == due
    assert cron.next_after(instant + (due - instant) / 2) == due


@pytest.mark.parametrize(
    "expression", ["", "hourly", "* * * *", "* * * * * *", "61 * * * *", "0 0 30 2 *", "@daily"]
)
def test_what_is_no_cron_expression_is_refused(expression):
    with pytest.raises(InvalidField, match="cron"):
        Cron(expression, VIENNA)
