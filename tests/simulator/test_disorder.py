"""Disorder loses nothing and adds only repetitions."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from deploy.local.simulator.disorder import disordered


@given(
    count=st.integers(0, 300),
    seed=st.integers(),
    late=st.floats(0, 1),
    duplicates=st.floats(0, 1),
    window=st.integers(0, 50),
)
def test_every_item_arrives_once_or_twice(count, seed, late, duplicates, window):
    arrived = Counter(
        disordered(
            range(count), seed=seed, late_ratio=late, duplicate_ratio=duplicates, shuffle_window=window
        )
    )

    assert set(arrived) == set(range(count))
    assert set(arrived.values()) <= {1, 2}


@given(st.integers(0, 300), st.integers())
def test_without_disorder_nothing_moves(count, seed):
    assert disordered(range(count), seed=seed) == list(range(count))


def test_late_items_come_after_all_punctual_ones():
    arrived = disordered(range(1000), seed=1, late_ratio=0.2)

    falls = [index for index in range(999) if arrived[index + 1] < arrived[index]]
    assert len(falls) == 1
    assert 100 < 999 - falls[0] < 300


def test_shuffling_moves_items_no_further_than_the_window():
    arrived = disordered(range(1000), seed=1, shuffle_window=20)

    assert arrived != list(range(1000))
    assert all(abs(position - item) <= 20 for position, item in enumerate(arrived))
