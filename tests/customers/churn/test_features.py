"""Features know nothing after their day, and are what a plain loop over each customer finds."""

import math
from collections import defaultdict
from itertools import pairwise
from statistics import fmean

import numpy as np
import pytest

from services.customers.churn.cutoffs import some_of, training_cutoffs
from services.customers.churn.features import DRIVERS, NAMES, features, history_of, stayed_away
from tests.customers.churn.purchasing import drawn

CUTOFF = 400


def naive_features(customers, days, cutoff):
    """By customer, one purchase after the other."""
    bought = defaultdict(list)
    for customer, day in zip(customers.tolist(), days.tolist(), strict=True):
        if day <= cutoff:
            bought[customer].append(day)
    return {customer: _of_one(own, cutoff) for customer, own in sorted(bought.items())}


def _of_one(own, cutoff):
    distinct = sorted(set(own))
    gaps = [later - earlier for earlier, later in pairwise(distinct)]
    silence, age = cutoff - distinct[-1], cutoff - distinct[0]
    mean = fmean(gaps) if gaps else math.nan
    found = {
        "days_since_last_purchase": silence,
        "silence_over_mean_gap": silence / mean,
        "silence_over_longest_gap": silence / max(gaps, default=math.nan),
        "silence_over_age": silence / (age + 1),
        "repeat_purchase_days": len(distinct) - 1,
        "purchases": len(own),
        "purchases_per_day": len(own) / len(distinct),
        "mean_gap_days": mean,
        "last_gap_days": gaps[-1] if gaps else math.nan,
        "longest_gap_days": max(gaps, default=math.nan),
        "gap_deviation_days": math.sqrt(fmean([(gap - mean) ** 2 for gap in gaps])) if gaps else math.nan,
        "days_since_first_purchase": age,
        "days_from_first_to_last_purchase": distinct[-1] - distinct[0],
        "purchases_last_90_days": sum(day > cutoff - 90 for day in own),
    }
    for window in (30, 90, 180, 365):
        found[f"purchase_days_last_{window}_days"] = sum(day > cutoff - window for day in distinct)
    return found


@pytest.fixture(scope="module")
def purchases():
    customers, days = drawn(300, 11, mean_gap=15.0)
    # some buy twice a day
    return np.append(customers, customers[:100]), np.append(days, days[:100])


def test_features_are_what_a_loop_over_customers_finds(purchases):
    expected = naive_features(*purchases, CUTOFF)

    history = history_of(*purchases)
    found = features(history, CUTOFF)

    assert history.until(CUTOFF).customers.tolist() == list(expected)
    assert tuple(found) == NAMES
    for name in NAMES:
        np.testing.assert_allclose(found[name], [one[name] for one in expected.values()], 1e-9, 1e-6, name)


def test_every_feature_belongs_to_one_driver_that_is_called_after_it():
    assert len(set(NAMES)) == len(NAMES)
    assert all(driver == names[0] for driver, names in DRIVERS.items())


def test_nothing_after_the_cutoff_reaches_a_feature(purchases):
    customers, days = purchases
    before = features(history_of(customers, days), CUTOFF)
    known = days <= CUTOFF
    chance = np.random.default_rng(3)

    without = features(history_of(customers[known], days[known]), CUTOFF)
    moved = np.where(known, days, chance.integers(CUTOFF + 1, 900, len(days)))
    others = np.where(known, customers, chance.integers(0, 5000, len(days)))
    changed = features(history_of(others, moved), CUTOFF)

    for name in NAMES:
        np.testing.assert_array_equal(before[name], without[name])
        np.testing.assert_array_equal(before[name], changed[name])


def test_the_order_of_purchases_does_not_matter(purchases):
    order = np.random.default_rng(5).permutation(len(purchases[0]))

    found = features(history_of(*(column[order] for column in purchases)), CUTOFF)

    for name, column in features(history_of(*purchases), CUTOFF).items():
        np.testing.assert_array_equal(found[name], column)


def test_parts_of_a_history_have_the_features_of_the_whole(purchases):
    history = history_of(*purchases).until(CUTOFF)
    whole = features(history, CUTOFF)
    chosen = np.array([0, 7, 100, len(history.customers) - 1])

    some, part = features(history.among(chosen), CUTOFF), features(history.of(50, 90), CUTOFF)

    for name in NAMES:
        np.testing.assert_array_equal(some[name], whole[name][chosen])
        np.testing.assert_array_equal(part[name], whole[name][50:90])
    assert len(some_of(history, 20).customers) == 20


def test_outcomes_are_counted_in_the_horizon_after_the_cutoff_and_nowhere_else(purchases):
    customers, days = purchases
    pairs = set(zip(customers.tolist(), days.tolist(), strict=True))
    known = sorted({customer for customer, day in pairs if day <= CUTOFF})
    came = {customer for customer, day in pairs if CUTOFF < day <= CUTOFF + 60}

    found = stayed_away(history_of(customers, days), CUTOFF, 60)

    assert found.tolist() == [int(customer not in came) for customer in known]


def test_nobody_is_known_before_the_first_purchase():
    history = history_of(np.array([4, 4], np.int64), np.array([10, 12], np.int64))
    nothing = history_of(np.empty(0, np.int64), np.empty(0, np.int64))

    assert all(len(column) == 0 for column in features(history, 9).values())
    assert all(len(column) == 0 for column in features(nothing, 9).values())
    assert len(stayed_away(history, 9, 30)) == 0
    assert len(stayed_away(nothing, 9, 30)) == 0


@pytest.mark.parametrize("horizon", [1, 30, 90, 365])
@pytest.mark.parametrize("length", [1, 100, 500, 2000])
def test_horizons_of_training_are_over_at_its_end(horizon, length):
    found = training_cutoffs(1000, 1000 + length, horizon)

    assert found == sorted(set(found))
    assert len(found) <= 8
    assert bool(found) == (length >= horizon + min(horizon, 90))
    assert all(1000 + min(horizon, 90) <= cutoff <= 1000 + length - horizon for cutoff in found)
    assert not found or found[-1] == 1000 + length - horizon
