"""Groups are at least k, cover every row once, and what is said to be lost is what a naive count says."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.customers.privacy.mondrian import (
    classes_of,
    coded,
    discernibility,
    least_variety,
    penalty,
    smallest_group,
)


def table(rows):
    """A column on a line and one of names, from pairs."""
    numbers, names = [row[0] for row in rows], [row[1] for row in rows]
    return [coded(numbers, on_a_line=True)[0], coded(names, on_a_line=False)[0]]


@st.composite
def tables(draw):
    rows = draw(
        st.lists(st.tuples(st.integers(-5, 25), st.sampled_from("abcdefg")), min_size=1, max_size=150)
    )
    return rows, draw(st.integers(2, 12))


@given(tables())
def test_every_row_is_in_one_group_of_at_least_k(made):
    rows, k = made

    groups = classes_of(table(rows), k)

    if len(rows) < k:
        assert groups == []
        return
    assert sorted(row for group in groups for row in group) == list(range(len(rows)))
    assert smallest_group(groups) >= k


@given(tables())
def test_no_group_can_be_cut_once_more(made):
    rows, k = made

    for group in classes_of(table(rows), k):
        for column in (0, 1):
            values = sorted(rows[row][column] for row in group)
            cuts = [at for at in range(1, len(values)) if values[at] != values[at - 1]]
            assert not any(k <= cut <= len(values) - k for cut in cuts)


@given(tables())
def test_equal_rows_are_never_told_apart(made):
    rows, k = made
    group_of = {}

    for number, group in enumerate(classes_of(table(rows), k)):
        for row in group:
            assert group_of.setdefault(rows[row], number) == number


@given(tables())
def test_the_penalty_is_that_of_a_naive_count(made):
    rows, k = made
    columns = table(rows)
    groups = classes_of(columns, k)

    numbers, names = {row[0] for row in rows}, {row[1] for row in rows}
    lost = 0.0
    for group in groups:
        own_numbers, own_names = {rows[row][0] for row in group}, {rows[row][1] for row in group}
        span = max(numbers) - min(numbers)
        lost += len(group) * ((max(own_numbers) - min(own_numbers)) / span if span else 0)
        lost += len(group) * (len(own_names) / len(names) if len(own_names) > 1 else 0)

    if not groups:
        assert math.isnan(penalty(columns, groups))
        return
    assert penalty(columns, groups) == pytest.approx(lost / (2 * len(rows)))
    assert 0 <= penalty(columns, groups) <= 1


def test_a_table_with_enough_copies_of_every_row_loses_nothing():
    rows = [row for row in product(range(6), "abc") for _ in range(5)]
    columns = table(rows)

    groups = classes_of(columns, 5)

    assert len(groups) == 18
    assert penalty(columns, groups) == 0
    assert discernibility(groups, 0, len(rows)) == 18 * 25


def test_a_cut_lies_nearest_to_the_median():
    columns = [coded([25, 25, 26, 27, 27, 28], on_a_line=True)[0]]

    groups = classes_of(columns, 2)

    assert sorted(sorted(group.tolist()) for group in groups) == [[0, 1, 2], [3, 4, 5]]


def test_rows_left_out_cannot_be_told_from_anybody():
    assert discernibility([np.arange(3), np.arange(4)], 2, 9) == 9 + 16 + 18


def test_the_least_variety_is_that_of_the_most_uniform_group():
    sensitive = np.array([0, 1, 2, 5, 5, 5])

    assert least_variety([np.array([0, 1, 2]), np.array([3, 4, 5])], sensitive) == 1
    assert least_variety([np.array([0, 1, 2])], sensitive) == 3
    assert least_variety([], sensitive) == 0
