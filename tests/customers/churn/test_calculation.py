"""The better candidate serves, calibrated against what happens afterwards, and says why."""

import json
from dataclasses import replace
from datetime import date
from uuid import UUID

import numpy as np
import pytest

from services.customers.churn.by_purchases import churn_probability, missed_usual_show, usual_gap
from services.customers.churn.calculation import churned
from services.customers.churn.drivers import Usual, purchase_chance, purchase_explainer
from services.customers.churn.features import features, history_of
from services.customers.churn.measuring import calibration_error
from services.customers.churn.trial import HISTORY_CLASSIFIER
from services.customers.lifetime.fitting import fitted
from services.customers.lifetime.mbg_nbd import MBG_NBD
from services.customers.models.entry import WHOLE_TENANT
from tests.customers.churn.purchasing import drawn, place_with

VENUE = UUID(int=7)
END = 540
HORIZON = 60


def known(customers, days, end=END):
    return customers[days <= end], days[days <= end]


def found_in(customers, days, *, end=END, model=MBG_NBD, at=None, **options):
    """Churn of a tenant, or with `whole` of a venue, with a model of purchases fitted here."""
    place = place_with(customers, days, end)
    if model is not None and at is None:
        at = fitted(model, place.histories.summaries).at
    options = {"horizon_days": HORIZON, "venue_id": WHOLE_TENANT, "fitted_on": "tenant"} | options
    return churned(place, model, at, end=end, **options)


@pytest.fixture(scope="module")
def purchases():
    return drawn(1500, 21)


@pytest.fixture(scope="module")
def found(purchases):
    return found_in(*known(*purchases))


def entry_of(found, name):
    return next(entry for entry in found.entries if entry.name == name)


def test_probabilities_come_true_in_the_time_after(purchases, found):
    """The customers go on to buy and be lost by known chances; nobody has told the models."""
    customers, days = purchases
    came = set(customers[(days > END) & (days <= END + HORIZON)].tolist())
    outcomes = np.array([int(customer not in came) for customer in found.customers.tolist()])

    assert np.isfinite(found.probability).all()
    assert abs(found.probability.mean() - outcomes.mean()) < 0.03
    assert calibration_error(outcomes, found.probability) < 0.04


def test_the_better_on_the_last_horizon_serves(found):
    scores = {entry.name: entry.hold_out["brier"] for entry in found.entries}

    assert set(scores) == {"mbg_nbd", HISTORY_CLASSIFIER}
    assert found.model == min(scores, key=scores.get)
    assert [entry.name for entry in found.entries if entry.is_serving] == [found.model]
    assert scores[found.model] < entry_of(found, found.model).hold_out["base_rate_brier"]
    assert scores[found.model] < entry_of(found, HISTORY_CLASSIFIER).hold_out["recency_brier"]
    assert all(entry.kind == "churn" and entry.held_out_days == HORIZON for entry in found.entries)
    assert all(entry.parameters for entry in found.entries)


def test_the_comparison_counts_outcomes_of_the_last_horizon(purchases, found):
    customers, days = known(*purchases)
    before = set(customers[days <= END - HORIZON].tolist())
    came = set(customers[days > END - HORIZON].tolist())
    share = len(before - came) / len(before)

    figures = entry_of(found, "mbg_nbd").hold_out

    assert figures["customers"] == len(before)
    assert figures["actual_share"] == pytest.approx(share)
    assert figures["base_rate_brier"] == pytest.approx(share * (1 - share))
    assert figures["test_cutoff"] == float(date.fromordinal(END - HORIZON).strftime("%Y%m%d"))


def test_what_was_foretold_for_the_last_horizon_does_not_know_it(purchases, found):
    """Purchases of that horizon, moved to other customers who bought before, change outcomes only."""
    customers, days = known(*purchases)
    late = days > END - HORIZON
    others = customers.copy()
    others[late] = np.random.default_rng(1).choice(np.unique(customers[~late]), late.sum())

    changed = found_in(others, days, at=np.array([1.0, 5.0, 1.0, 2.0]))

    for entry in changed.entries:
        same = entry_of(found, entry.name).hold_out
        assert entry.hold_out["expected_share"] == pytest.approx(same["expected_share"], abs=1e-9)
        assert entry.hold_out["brier"] != same["brier"]


def test_the_order_of_purchases_does_not_matter(purchases):
    customers, days = known(*purchases)
    few = customers < 400
    customers, days = customers[few], days[few]
    order = np.random.default_rng(2).permutation(len(days))

    first, second = found_in(customers, days), found_in(customers[order], days[order])

    np.testing.assert_array_equal(first.probability, second.probability)
    np.testing.assert_array_equal(first.drivers.effects, second.drivers.effects)


def test_a_missed_usual_show_is_that_of_the_model_of_purchases(purchases, found):
    place = place_with(*known(*purchases), END)
    seen = place.histories.summaries
    at = fitted(MBG_NBD, seen).at

    np.testing.assert_allclose(found.usual_gap_days, usual_gap(at, seen, 0.9) * 7)
    np.testing.assert_array_equal(found.has_missed_usual_show, missed_usual_show(at, seen, 0.9))
    np.testing.assert_array_equal(found.customers, place.histories.customers)


def test_drivers_are_the_strongest_of_all_effects(found):
    drivers = found.drivers
    strength = np.abs(drivers.effects)

    assert (
        drivers.features.shape == drivers.effects.shape == drivers.values.shape == (len(found.customers), 3)
    )
    assert (np.diff(strength, axis=1) <= 0).all()
    assert ((drivers.features >= 0) == (strength > 0)).all()
    assert (drivers.features < len(drivers.names)).all()
    assert (drivers.features[:, 0] >= 0).mean() > 0.9


def test_an_effect_is_the_probability_less_its_mean_with_the_feature_of_others(purchases):
    """Each customer, driver and reference by itself, with the model asked directly."""
    table = features(history_of(*known(*purchases)), END)
    at = np.array([0.9, 6.0, 0.9, 2.4])
    usual = Usual.of(table)
    chance = purchase_chance(MBG_NBD, at, HORIZON, usual.gap_days)
    rows = {name: column[:40] for name, column in table.items()}

    probability, drivers = purchase_explainer(
        MBG_NBD, at, HORIZON, Usual.read(json.loads(json.dumps(usual.stored())))
    ).explained(rows)

    seen = place_with(*known(*purchases), END).histories.summaries
    np.testing.assert_allclose(probability, churn_probability(MBG_NBD, at, seen, HORIZON / 7)[:40], 1e-9)
    silences = np.sort(table["days_since_last_purchase"])
    quarters = silences[
        [len(silences) // 8, len(silences) * 3 // 8, len(silences) * 5 // 8, len(silences) * 7 // 8]
    ]
    checked = 0
    for row in range(40):
        for number in range(3):
            if drivers.features[row, number] < 0 or drivers.names[drivers.features[row, number]] != (
                "days_since_last_purchase"
            ):
                continue
            one = {name: column[row : row + 1] for name, column in rows.items()}
            others = [
                float(chance({**one, "days_since_last_purchase": np.array([day])})[0]) for day in quarters
            ]
            assert drivers.effects[row, number] == pytest.approx(probability[row] - np.mean(others), abs=1e-6)
            assert drivers.values[row, number] == rows["days_since_last_purchase"][row]
            checked += 1
    assert checked > 10


def test_long_silence_of_a_customer_who_came_often_drives_churn():
    customers, days = drawn(500, 22)
    regular = np.arange(1, 301, 10)
    customers = np.append(customers, np.full(len(regular), 10_000))
    found = found_in(*known(customers, np.append(days, regular)))

    row = int(np.flatnonzero(found.customers == 10_000)[0])
    named = [found.drivers.names[number] for number in found.drivers.features[row] if number >= 0]
    silence = named.index("days_since_last_purchase")

    assert found.drivers.effects[row, silence] > 0
    assert found.drivers.values[row, silence] == END - 291
    assert found.has_missed_usual_show[row]


def test_outcomes_that_never_differ_teach_nothing():
    """Everyone comes every week: nobody has stayed away, so that nobody can be told to."""
    days = np.tile(np.arange(1, 541, 7), 200)
    customers = np.repeat(np.arange(200), 78)

    found = found_in(customers, days, model=None)

    (entry,) = found.entries
    assert (entry.refusal, found.refusal) == ("NOT_ENOUGH_HISTORY", "NOT_ENOUGH_HISTORY")
    assert found.refusal_message == entry.refusal_message
    assert "fewer than 50 customers" in found.refusal_message
    assert (found.model, found.drivers, entry.parameters) == (None, None, None)
    assert np.isnan(found.probability).all()
    assert np.isnan(found.usual_gap_days).all()
    assert not found.has_missed_usual_show.any()


def test_a_history_shorter_than_two_horizons_refuses_the_classifier_only(purchases):
    customers, days = known(*purchases, end=110)

    found = found_in(customers, days, end=110, at=np.array([0.9, 6.0, 0.9, 2.4]))
    without = found_in(customers, days, end=110, model=None)

    assert found.model == "mbg_nbd"
    assert entry_of(found, HISTORY_CLASSIFIER).refusal == "NOT_ENOUGH_HISTORY"
    assert np.isfinite(found.probability).all()
    assert without.model is None
    assert without.refusal == "NOT_ENOUGH_HISTORY"


def test_the_classifier_serves_where_no_model_of_purchases_does(purchases):
    customers, days = known(*purchases)
    few = customers < 500

    found = found_in(customers[few], days[few], model=None)

    assert found.model == HISTORY_CLASSIFIER
    assert found.refusal is None
    assert np.isfinite(found.probability).all()
    assert np.isnan(found.usual_gap_days).all()


def test_a_venue_with_too_few_outcomes_follows_the_tenant(purchases, found):
    customers, days = known(*purchases)
    here = customers < 60
    at = fitted(MBG_NBD, place_with(customers, days, END).histories.summaries).at

    venue = found_in(customers[here], days[here], at=at, venue_id=VENUE, whole=found)
    other = "mbg_nbd" if found.model == HISTORY_CLASSIFIER else HISTORY_CLASSIFIER
    turned = found_in(customers[here], days[here], at=at, venue_id=VENUE, whole=replace(found, model=other))

    assert (venue.model, turned.model) == (found.model, other)
    assert {(entry.venue_id, entry.fitted_on) for entry in venue.entries} == {(VENUE, "tenant")}
    places = np.searchsorted(found.customers, venue.customers)
    np.testing.assert_allclose(venue.probability, found.probability[places], 1e-6, 1e-6)


def test_nobody_is_foretold_where_nobody_bought():
    nothing = np.empty(0, np.int64)

    found = found_in(nothing, nothing, at=np.array([0.9, 6.0, 0.9, 2.4]))

    assert found.model is None
    assert found.refusal == "NOT_ENOUGH_HISTORY"
    assert len(found.customers) == len(found.probability) == 0
