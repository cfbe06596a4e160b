"""Spans of time are cut into the buckets of rollups without gap or overlap."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.metrics.rollup_buckets import Span, cut

moments = st.integers(0, 10 * 365 * 86_400 * 10**6).map(
    lambda microseconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)
lengths = st.timedeltas(timedelta(microseconds=1), timedelta(days=400))


@given(moments, lengths)
def test_the_parts_of_a_span_tile_it(start, length):
    span = Span(start, start + length)

    buckets, edges = cut(span)

    parts = sorted([*edges, *(whole for _, whole in buckets)])
    assert parts[0].start == span.start
    assert parts[-1].end == span.end
    assert all(left.end == right.start for left, right in pairwise(parts))
    assert all(part.start < part.end for part in parts)


@given(moments, lengths)
def test_buckets_are_whole_and_as_wide_as_fit(start, length):
    buckets, edges = cut(Span(start, start + length))

    for minutes, whole in buckets:
        for moment in whole:
            assert (moment.minute % 15, moment.second, moment.microsecond) == (0, 0, 0)
            assert minutes == 15 or moment.hour == moment.minute == 0
        assert minutes == 1440 or whole.end - whole.start < timedelta(days=2)
    assert len(edges) <= 2
    assert all(edge.end - edge.start < timedelta(minutes=30) for edge in edges)
