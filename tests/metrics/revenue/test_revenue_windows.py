"""Windows are cut without gap or overlap, and averages round to even."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import InvalidField
from services.metrics.revenue.figures import RevenueFigures
from services.metrics.revenue.windows import Window, cut

moments = st.integers(0, 10 * 365 * 86_400 * 10**6).map(
    lambda microseconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)
lengths = st.timedeltas(timedelta(microseconds=1), timedelta(days=400))


@given(moments, lengths)
def test_the_parts_of_a_window_tile_it(start, length):
    window = Window(start, start + length)

    buckets, edges = cut(window)

    parts = sorted([*edges, *(window for _, window in buckets)])
    assert parts[0].start == window.start
    assert parts[-1].end == window.end
    assert all(left.end == right.start for left, right in pairwise(parts))
    assert all(part.start < part.end for part in parts)


@given(moments, lengths)
def test_buckets_are_whole_and_as_wide_as_fit(start, length):
    buckets, edges = cut(Window(start, start + length))

    for minutes, window in buckets:
        for moment in window:
            assert (moment.minute % 15, moment.second, moment.microsecond) == (0, 0, 0)
            assert minutes == 15 or moment.hour == moment.minute == 0
        assert minutes == 1440 or window.end - window.start < timedelta(days=2)
    assert len(edges) <= 2
    assert all(edge.end - edge.start < timedelta(minutes=30) for edge in edges)


def test_the_previous_window_must_lie_in_the_calendar():
    with pytest.raises(InvalidField) as refused:
        Window(datetime(1, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)).before()

    assert refused.value.violations[0].field == "startDate"


@pytest.mark.parametrize(("gross", "orders", "average"), [(5, 2, 2), (7, 2, 4), (10, 3, 3), (0, 1, 0)])
def test_average_order_value_rounds_half_to_even(gross, orders, average):
    figures = RevenueFigures("EUR", orders, 1, gross, 0, 0)

    assert figures.average_order_minor == average


def test_no_average_without_an_order():
    assert RevenueFigures("EUR", 0, 0, 0, 5, 0).average_order_minor is None
