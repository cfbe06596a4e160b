"""Measures, scores, segments and moves against exact fractions and naive counting."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.customers.rfm.measuring import Measures, measure
from services.customers.rfm.moves import Run, moves
from services.customers.rfm.scoring import Scores, quintiles, score
from services.customers.rfm.segments import SEGMENTS, Segment, Status, segment, segment_numbers, status

ORDERS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40), st.integers(-50, 900)), max_size=40)


def naive_score(values, value):
    below, equal = sum(each < value for each in values), values.count(value)
    return ceil(5 * (below + Fraction(equal + 1, 2)) / len(values))


def columns(*rows):
    return [np.array(row, np.int64) for row in rows]


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=60))
def test_score_is_the_ceiling_of_five_average_percentile_ranks(values):
    assert quintiles(*columns(values)).tolist() == [naive_score(values, each) for each in values]


@given(ORDERS)
def test_measures_are_those_of_counting(orders):
    found = measure(
        *(columns(*zip(*orders, strict=True)) if orders else columns([], [], [])), as_of=35, window_days=20
    )

    expected = []
    for customer in sorted({who for who, day, _ in orders if day < 35}):
        days = [day for who, day, _ in orders if who == customer and day < 35]
        inside = [net for who, day, net in orders if who == customer and 15 <= day < 35]
        expected.append((customer, 35 - max(days), len(inside), sum(inside)))
    rows = zip(found.customers, found.recency_days, found.order_counts, found.net_minor, strict=True)
    assert [tuple(map(int, row)) for row in rows] == expected


def test_every_cell_of_the_map_is_one_segment():
    grid = [(r, f, m) for r in range(1, 6) for f in range(1, 6) for m in range(1, 6)]
    scores = Scores(*columns(*zip(*grid, strict=True)), by_fixed_bounds=False)

    assert [SEGMENTS[each] for each in segment_numbers(scores)] == [segment(*each) for each in grid]
    assert segment(5, 3, 4) is Segment.CHAMPIONS
    assert segment(1, 1, 1) is Segment.LOST
    assert segment(3, 2, 3) is Segment.NEEDS_ATTENTION
    assert segment(2, 5, 4).label == "Can't Lose"


def test_status_of_those_one_cannot_lose_depends_on_their_spend():
    assert status(Segment.CANT_LOSE, 5) is Status.VIP
    assert status(Segment.CANT_LOSE, 4) is Status.AT_RISK
    assert status(Segment.CHAMPIONS, 4) is Status.VIP
    assert status(Segment.LOYAL, 5) is Status.REGULAR


@pytest.mark.parametrize(("count", "fixed"), [(0, True), (4, True), (5, False)])
def test_fewer_than_five_customers_are_scored_by_fixed_bounds(count, fixed):
    rows = columns(range(count), [30] * count, [2] * count, [25_000] * count)

    found = score(Measures(*rows))

    assert found.by_fixed_bounds is fixed
    assert not fixed or (found.recency.tolist(), found.monetary.tolist()) == ([5] * count, [4] * count)


def test_moves_name_the_score_that_moved():
    before = Run(
        *columns([1, 2, 3]), Scores(*columns([5, 3, 1], [5, 3, 1], [5, 3, 1]), by_fixed_bounds=False)
    )
    after = Run(*columns([1, 2, 4]), Scores(*columns([2, 3, 5], [5, 3, 1], [5, 4, 1]), by_fixed_bounds=False))

    found = {each.customer: each for each in moves(before, after)}

    assert found[1].changes == (("recency", 5, 2),)
    assert found[2].changes == (("monetary", 3, 4),)
    assert (found[3].after, found[4].before) == (None, None)
