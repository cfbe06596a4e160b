"""Rates and times of a house, from its minutes."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.metrics.doors.figures import Board, Gate, Minute, filled, shown_minutes
from tests.platform.events import NOON

MINUTE = timedelta(minutes=1)


def gate(*admitted):
    """A gate whose last minutes, the running one included, admitted these."""
    counts = [*[0] * (30 - len(admitted)), *admitted]
    starts = shown_minutes(NOON)
    minutes = tuple(Minute(start, count, 0) for start, count in zip(starts, counts, strict=True))
    return Gate("North", sum(admitted), 0, None, minutes)


def board(sold, admitted, *gates):
    return Board(UUID(int=1), None, None, None, sold, admitted, admitted, gates)


def test_the_running_minute_and_those_before_the_last_five_are_not_in_the_rate():
    assert gate(100, 1, 2, 3, 4, 5, 100).rate == 3.0
    assert gate().rate == 0.0


def test_minutes_end_with_the_running_one():
    starts = shown_minutes(NOON + timedelta(seconds=59, microseconds=999_999))

    assert len(starts) == 30
    assert starts[-1] == NOON
    assert starts[0] == NOON - 29 * MINUTE


def test_minutes_without_scans_are_filled_in():
    starts = shown_minutes(NOON)

    minutes = filled(starts, [Minute(starts[3], 7, 1)])

    assert [minute.start for minute in minutes] == starts
    assert [(at, minute[1:]) for at, minute in enumerate(minutes) if minute.admitted_count] == [(3, (7, 1))]


def test_gates_together_fill_the_house():
    house = board(100, 40, gate(5, 5, 5, 5, 5, 0), gate(10, 10, 10, 10, 10, 0))

    assert house.rate == 15.0
    assert house.all_inside_at(NOON) == NOON + 4 * MINUTE
    assert house.admitted_ratio == 0.4


@pytest.mark.parametrize(
    ("sold", "admitted", "gates"),
    [
        (100, 40, (gate(9),)),
        (100, 100, (gate(5, 5, 5, 5, 5, 0),)),
        (100, 101, (gate(5, 5, 5, 5, 5, 0),)),
        (2**31 - 1, 1, (gate(1, 0, 0, 0, 0, 0),)),
        (0, 0, ()),
    ],
)
def test_nobody_coming_all_in_or_far_too_slow_has_no_end(sold, admitted, gates):
    assert board(sold, admitted, *gates).all_inside_at(NOON) is None


@pytest.mark.parametrize(
    ("sold", "admitted", "ratio"), [(0, 3, None), (-1, 0, None), (2, 3, 1.0), (4, 1, 0.25)]
)
def test_the_ratio_is_between_none_sold_and_all_in(sold, admitted, ratio):
    assert board(sold, admitted).admitted_ratio == ratio
