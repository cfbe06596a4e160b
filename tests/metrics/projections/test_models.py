"""Models, error measures and the booking curve against calculations by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.projections.back_test import (
    Plan,
    Trial,
    mean_absolute_scaled_error,
    plan,
    tried,
)
from services.metrics.projections.booking import Bookings, Shows
from services.metrics.projections.candidates import MEAN, Candidate, Candidates
from services.metrics.projections.intervals import daily, of_sum
from services.metrics.projections.models import (
    ets,
    last_year,
    seasonal_naive,
    theta,
    weekday_median,
    without_outliers,
)

NO_SHOWS = Shows(*(np.empty(0, dtype=np.int64) for _ in range(4)), np.empty(0))


def noisy_weeks(weeks, *, seed, level=1000.0, slope=0.0):
    random = np.random.default_rng(seed)
    days = np.arange(7 * weeks)
    pattern = np.array([0, 10, 20, 50, 200, 300, 100])
    return level + slope * days + pattern[days % 7] + random.normal(0, 30, len(days))


def naive_theta(past, days):
    """Half the linear trend on exponential smoothing of what has no weekday pattern, by grid search."""
    trend = np.convolve(past, np.ones(7) / 7, mode="valid")
    off = past[3:-3] - trend
    pattern = np.array([off[np.arange(3, len(past) - 3) % 7 == weekday].mean() for weekday in range(7)])
    pattern -= pattern.mean()
    free = past - pattern[np.arange(len(past)) % 7]

    def smoothed(alpha):
        level, squares = free[0], 0.0
        for value in free[1:]:
            squares += (value - level) ** 2
            level += alpha * (value - level)
        return squares, level

    alpha = min(np.arange(0.005, 1, 0.01), key=lambda each: smoothed(each)[0])
    slope = np.polyfit(np.arange(len(free)), free, 1)[0]
    ahead = np.arange(days)
    drift = slope / 2 * (ahead + (1 - (1 - alpha) ** len(free)) / alpha)
    return smoothed(alpha)[1] + drift + pattern[(len(past) + ahead) % 7]


def naive_ets(free, days):
    """Level and weekday states by grid search; they start from a moving average of the first weeks."""
    weeks = 5
    start = np.convolve(free[: 7 * weeks], np.ones(7) / 7, mode="valid")
    off = free[3 : 7 * weeks - 3] - start
    first = [off[np.arange(3, 7 * weeks - 3) % 7 == weekday].mean() for weekday in range(7)]

    def smoothed(alpha, gamma):
        level, pattern, squares = start[:10].mean(), list(first), 0.0
        for day, value in enumerate(free):
            error = value - level - pattern[day % 7]
            squares += error**2
            level += alpha * error
            pattern[day % 7] += gamma * error
        return squares, [level + pattern[(len(free) + ahead) % 7] for ahead in range(days)]

    grid = [(alpha, gamma) for alpha in np.arange(0, 0.5, 0.05) for gamma in np.arange(0, 0.5, 0.05)]
    return smoothed(*min(grid, key=lambda each: smoothed(*each)[0]))[1]


def test_seasonal_naive_repeats_the_last_week():
    past = np.arange(1.0, 17.0)

    assert seasonal_naive(past, 10).tolist() == [10, 11, 12, 13, 14, 15, 16, 10, 11, 12]


def test_theta_agrees_with_its_definition():
    past = noisy_weeks(20, seed=3, slope=2.0)

    assert theta(past, 28) == pytest.approx(naive_theta(past, 28), rel=0.01)


def test_smoothing_agrees_with_its_recursion_at_the_best_of_a_grid():
    roots = noisy_weeks(20, seed=8)

    assert np.sqrt(ets(roots**2, 28)) == pytest.approx(naive_ets(roots, 28), rel=0.01)


def test_smoothing_follows_days_that_fell_below_zero():
    past = noisy_weeks(12, seed=2, level=-1000.0)

    assert ets(past, 7) == pytest.approx(past.reshape(12, 7).mean(axis=0), abs=30)


def test_the_median_of_a_weekday_is_over_eight_weeks():
    past = np.concatenate(
        [np.full(7, 9e9), *(week * 100.0 + np.arange(7.0) for week in (1, 2, 3, 4, 50, 6, 7, 8))]
    )

    assert weekday_median(past, 8).tolist() == [*(500.0 + np.arange(7.0)), 500.0]


def test_last_year_is_repeated_at_the_level_of_the_last_eight_weeks():
    past = np.concatenate([np.full(56, 10.0), np.arange(308.0), np.full(56, 15.0)])

    again = last_year(past, 366)

    assert again[:308] == pytest.approx(1.5 * np.arange(308.0))
    assert again[364:] == pytest.approx(again[:2])


def test_less_than_sixty_weeks_or_a_dark_start_have_no_last_year():
    assert last_year(np.ones(419), 7) is None
    assert last_year(np.concatenate([np.zeros(56), np.ones(364)]), 7) is None


def test_candidates_with_last_year_need_it_and_average_it():
    past = noisy_weeks(60, seed=7)
    candidates = Candidates(past, NO_SHOWS, 10)

    both = candidates.forecast(Candidate("theta", uses_last_year=True), 420, 10)

    assert both == pytest.approx((theta(past, 10) + last_year(past, 10)) / 2)
    assert candidates.forecast(Candidate("theta", uses_last_year=True), 413, 10) is None
    assert not any(one.uses_last_year for one in Candidates(past[:413], NO_SHOWS, 10).all())


def test_the_mean_is_of_smoothing_theta_and_the_weekdays_median():
    past = noisy_weeks(10, seed=7)

    mean = Candidates(past, NO_SHOWS, 10).forecast(Candidate(MEAN), 70, 10)

    assert mean == pytest.approx((ets(past, 10) + theta(past, 10) + weekday_median(past, 10)) / 3)


@pytest.mark.parametrize("model", [ets, theta])
def test_a_pattern_without_noise_is_continued(model):
    past = np.tile([10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0], 8)

    assert model(past, 14) == pytest.approx(np.tile(past[:7], 2), rel=1e-3)


@pytest.mark.parametrize("model", [ets, theta])
def test_a_constant_history_stays_constant(model):
    assert model(np.full(28, 5.0), 3) == pytest.approx([5.0, 5.0, 5.0])


def test_a_closed_day_is_replaced_by_its_weekdays_around_it_and_a_rush_stays():
    past = noisy_weeks(12, seed=5)
    seen = past.copy()
    seen[40], seen[61] = 0.0, 5000.0

    cleaned = without_outliers(seen)

    around = [40 + 7 * week for week in range(-4, 5)]
    assert cleaned[40] == np.median(seen[around])
    assert cleaned[61] == 5000.0
    assert np.mean(cleaned == seen) > 0.95


def test_the_scaled_error_is_the_mean_of_errors_over_the_past_errors_of_repeating_a_week():
    net = np.array([*range(7), *range(1, 8), *range(3, 10), 9.0, 9.0], dtype=float)
    trial = Trial((21, 14), np.array([[5.0, 6.0], [1.0, 2.0]]), np.array([[9.0, 9.0], [3.0, np.nan]]))

    # Past of 21 days: fourteen week-on-week errors, seven of 1 and seven of 2, mean 1.5; of 14 days: 1.
    scaled = mean_absolute_scaled_error(net, trial)

    assert scaled == pytest.approx((4 / 1.5 + 3 / 1.5 + 2) / 3)
    assert trial.mean_absolute_error == pytest.approx(3)


def test_a_past_that_repeats_itself_has_no_scale():
    net = np.tile(np.arange(7.0), 5)
    trial = Trial((28,), np.ones((1, 2)), np.ones((1, 2)))

    assert mean_absolute_scaled_error(net, trial) is None


@given(st.integers(28, 730), st.integers(2, 366))
def test_folds_start_in_each_of_the_last_weeks_and_leave_two_weeks_to_fit(history_days, days):
    folds = plan(history_days, days)

    assert 2 <= len(folds.origins) <= 16
    assert folds.origins == tuple(history_days - 7 * week for week in range(1, len(folds.origins) + 1))
    assert min(folds.origins) >= 14
    assert 7 <= folds.horizon <= max(days, 7)
    assert min(folds.origins) + folds.horizon <= history_days


def test_a_fold_sees_nothing_from_its_origin_on():
    net = noisy_weeks(10, seed=1)
    seen = []

    def forecast(origin, days):
        seen.append((origin, days))
        return np.zeros(days)

    trial = tried(net, Plan((63, 56), 14), forecast)

    assert seen == [(63, 14), (56, 14)]
    assert trial.actual[1].tolist() == net[56:70].tolist()
    assert trial.actual[0][:7].tolist() == net[63:70].tolist()
    assert np.isnan(trial.actual[0][7:]).all()


def test_folds_without_a_forecast_are_left_out():
    net = noisy_weeks(10, seed=1)

    def forecast(origin, days):
        return np.zeros(days) if origin > 60 else None

    assert tried(net, Plan((63, 56), 7), forecast).origins == (63,)
    assert tried(net, Plan((56, 49), 7), forecast) is None


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 60))
def test_intervals_hold_what_is_expected_and_the_sum_is_narrower_than_the_sum_of_bounds(seed, folds, days):
    random = np.random.default_rng(seed)
    forecast = random.uniform(0, 100, days)
    actual = random.uniform(50, 100, (folds, 14))
    actual[0, 7:] = np.nan
    origins = tuple(100 - 7 * fold for fold in range(folds))
    trial = Trial(origins, random.uniform(50, 100, (folds, 14)), actual)

    range_ = daily(trial, forecast, 75.0)
    low, high = of_sum(trial, forecast, 75.0)

    assert (range_.low <= forecast).all()
    assert (forecast <= range_.high).all()
    assert low <= forecast.sum() <= high
    if folds > 3 and days > 20:
        assert high - low < (range_.high - range_.low).sum()


def alike(on_sale, doors, curve):
    """Shows that all sell by one curve of days since the on-sale."""
    rows = [
        (show, start + age, curve[age])
        for show, (start, end) in enumerate(zip(on_sale, doors, strict=True))
        for age in range(end - start + 1)
        if start + age < 100
    ]
    show, day, net = (np.array(column) for column in zip(*rows, strict=True))
    return Shows(np.array(on_sale), np.array(doors), show, day, net.astype(float))


def test_shows_on_sale_and_announced_bring_what_the_curve_says():
    """And next to nothing more: the announced shows are nearly as many as usual."""
    curve = [50.0, 20.0, 10.0, 10.0, 10.0, 20.0, 40.0]
    shows = alike([*range(0, 90, 6), 97, 103], [*range(6, 96, 6), 103, 109], curve)

    expected = Bookings(shows, 100, 10).contributions(100, 10)

    assert expected[97:100] == pytest.approx(curve[:3])
    assert expected[100:103] == pytest.approx(curve[3:6], abs=1)
    assert expected[103] == pytest.approx(curve[6] + curve[0], abs=1)
    assert expected[104:] == pytest.approx(curve[1:], abs=2)


def test_what_comes_after_an_origin_changes_nothing_before_the_end_of_the_history():
    curve = [50.0, 20.0, 10.0, 10.0, 10.0, 20.0, 40.0]
    shows = alike([*range(0, 90, 6), 97, 103], [*range(6, 96, 6), 103, 109], curve)
    early = (shows.day < 60) & (shows.on_sale[shows.show] < 60)
    known = shows.on_sale < 60
    cut = Shows(
        shows.on_sale[known], shows.doors[known], shows.show[early], shows.day[early], shows.net[early]
    )

    told_all = Bookings(shows, 100, 10).contributions(60, 10)
    told_the_past = Bookings(cut, 100, 10).contributions(60, 10)

    assert told_all.tolist() == told_the_past.tolist()


def test_without_finished_shows_nothing_is_claimed():
    shows = alike([0, 5], [40, 45], [1.0] * 60)

    assert not Bookings(shows, 30, 5).contributions(30, 5).any()
