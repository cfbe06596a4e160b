"""One customer ranked anew by cut points against a whole run over everybody."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from services.customers.rfm.cut_points import cut_points
from services.customers.rfm.scoring import quintiles

VALUES = st.lists(st.integers(0, 40), min_size=1, max_size=120)


def column(values):
    return np.array(values, np.int64)


@given(VALUES, st.integers(-2, 42), st.data())
def test_a_customer_who_changed_scores_as_in_a_whole_run(values, value, data):
    at = data.draw(st.integers(0, len(values) - 1))
    changed = [*values[:at], value, *values[at + 1 :]]

    found = cut_points(column(values)).score(value, values[at])

    assert found == quintiles(column(changed))[at]


@given(VALUES, st.integers(-2, 42))
@example([0] * 5, 0)
def test_a_new_customer_scores_as_in_a_whole_run(values, value):
    found = cut_points(column(values)).score(value, None)

    assert found == quintiles(column([*values, value]))[-1]


@given(st.lists(st.integers(0, 10**9), min_size=200, max_size=400), st.integers(0, 10**9))
def test_few_values_are_kept_of_many(values, value):
    cuts = cut_points(column(values))

    assert len(cuts.points) <= 4 * 6 + 2
    assert cuts.score(value, None) == quintiles(column([*values, value]))[-1]


@given(VALUES)
def test_bounds_score_everybody_as_a_whole_run_does(values):
    bounds = cut_points(column(values)).bounds

    assert [1 + sum(value >= bound for bound in bounds) for value in values] == list(
        quintiles(column(values))
    )
