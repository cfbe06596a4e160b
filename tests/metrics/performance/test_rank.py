"""Percentiles and medians beside those of a library."""

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import percentileofscore

from services.metrics.performance.rank import rank_among

PARTS = st.integers(0, 20).map(lambda tickets: tickets / 20)


@given(PARTS, st.lists(PARTS, min_size=5, max_size=20))
def test_the_percentile_is_the_strict_one(value, others):
    found = rank_among(value, others)

    assert found.percentile == pytest.approx(percentileofscore(others, value, kind="strict") / 100)
    assert found.median == median(others)


@given(PARTS, st.lists(PARTS, max_size=4))
def test_under_five_others_tell_nothing(value, others):
    assert rank_among(value, others) == (None, None)


@given(PARTS, st.lists(PARTS, min_size=5, max_size=20))
def test_it_does_not_fall_when_more_is_sold(value, others):
    assert rank_among(value + 0.01, others).percentile >= rank_among(value, others).percentile
