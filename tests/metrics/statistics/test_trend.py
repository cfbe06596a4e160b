"""Trends and level shifts against independent computations and noise of known kind."""

from itertools import pairwise
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import linregress
from scipy.stats import t as student

from services.metrics.statistics.change_points import level_shifts
from services.metrics.statistics.trend import fitted

VALUES = st.lists(st.integers(-1000, 1000).map(float), min_size=5, max_size=40)


def noise(generator, count, carried):
    """AR(1) noise: a share of every value is carried into the next."""
    values = np.zeros(count + 50)
    for at in range(1, count + 50):
        values[at] = carried * values[at - 1] + generator.standard_normal()
    return values[50:]


@given(VALUES)
def test_slope_is_that_of_least_squares(values):
    assert fitted(values).slope == pytest.approx(linregress(range(len(values)), values).slope, abs=1e-9)


def test_interval_follows_the_published_formula():
    values = [3.0, 4.0, 6.0, 5.0, 7.0, 9.0, 8.0, 11.0, 10.0, 12.0, 11.0, 14.0]
    line = linregress(range(12), values)
    left = [value - line.intercept - line.slope * at for at, value in enumerate(values)]
    lag_one = sum(a * b for a, b in pairwise(left)) / sum(a * a for a in left)
    carried = max((12 * lag_one + 2) / 8, 0)
    worth = 12 * (1 - carried) / (1 + carried)
    variance = sum(a * a for a in left) / (worth - 2)
    margin = student.ppf(0.975, worth - 2) * sqrt(variance / sum((at - 5.5) ** 2 for at in range(12)))

    trend = fitted(values)

    assert trend.autocorrelation == pytest.approx(lag_one)
    assert (trend.low, trend.high) == pytest.approx((line.slope - margin, line.slope + margin))
    assert trend.direction == "rising"
    assert trend.change_ratio == pytest.approx((14 - 3) / 3)


@pytest.mark.parametrize("carried", [0.0, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("count", [6, 12, 30, 90])
def test_false_trends_on_autocorrelated_noise_stay_rare(count, carried):
    generator = np.random.default_rng(count)

    false = sum(bool(fitted(list(noise(generator, count, carried))).direction) for _ in range(400))

    assert false / 400 < 0.2


def test_true_trends_are_found():
    generator = np.random.default_rng(5)

    found = [
        fitted(list(noise(generator, 60, 0.3) - 0.1 * np.arange(60))).direction == "falling"
        for _ in range(100)
    ]

    assert sum(found) > 95


def test_too_few_values_leave_open_what_they_cannot_tell():
    nothing, one, two, three = (fitted([5.0] * count) for count in range(4))

    assert (nothing.slope, nothing.change_ratio, nothing.count) == (None, None, 0)
    assert (one.slope, one.change_ratio) == (None, None)
    assert (two.slope, two.change_ratio) == (None, 0.0)
    assert (three.slope, three.low, three.high, three.direction) == (0.0, 0.0, 0.0, "")
    assert fitted([1.0, 2.5, 2.0, 4.0]).low is None


def test_a_trend_from_zero_has_no_relative_change():
    assert fitted([0.0, 1.0, 2.0]).change_ratio is None


def test_shifts_are_found_where_the_level_changed():
    generator = np.random.default_rng(2)
    levels = np.repeat([10.0, 14.0, 9.0], [40, 30, 50])

    shifts = level_shifts(list(levels + noise(generator, 120, 0.2)))

    assert [shift.at for shift in shifts] == pytest.approx([40, 70], abs=2)
    assert [shift.mean_before for shift in shifts] == pytest.approx([10, 14], abs=0.6)
    assert [shift.mean_after for shift in shifts] == pytest.approx([14, 9], abs=0.6)
    assert all(shift.p_value < 0.01 for shift in shifts)


def test_a_level_that_comes_and_goes_is_not_averaged_away():
    assert [shift.at for shift in level_shifts([1.0] * 30 + [3.0] * 30 + [1.0] * 30)] == [30, 60]


@pytest.mark.parametrize("carried", [0.0, 0.3, 0.6])
def test_noise_and_steady_growth_show_few_shifts(carried):
    generator = np.random.default_rng(8)
    series = [noise(generator, 90, carried) + step * np.arange(90) for step in (0, 0.2) for _ in range(100)]

    assert sum(bool(level_shifts(list(values))) for values in series) / 200 < 0.1


@given(VALUES)
def test_segments_are_long_enough_and_their_means_are_right(values):
    shifts = level_shifts(values)
    edges = [0, *(shift.at for shift in shifts), len(values)]

    assert all(later - earlier >= 5 for earlier, later in pairwise(edges))
    for place, shift in enumerate(shifts):
        assert shift.mean_before == pytest.approx(np.mean(values[edges[place] : shift.at]))
        assert shift.mean_after == pytest.approx(np.mean(values[shift.at : edges[place + 2]]))
