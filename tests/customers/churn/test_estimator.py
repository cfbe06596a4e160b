"""The estimator reaches what is reached on a public table, and its measures are what they are defined as."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import RepeatedStratifiedKFold

from services.customers.churn.estimator import estimated
from services.customers.churn.measuring import area_under_curve, brier, calibration_error, figures, log_loss

# Telco customer churn, IBM (repository IBM/telco-customer-churn-on-icp4d, Apache-2.0): 7,043 customers.
TELCO = Path(__file__).parents[2] / "data" / "telco_churn.csv.gz"


def telco():
    """Columns of the table, numbers as such, and whether each customer left."""
    with gzip.open(TELCO, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    outcomes = np.array([int(row["Churn"] == "Yes") for row in rows])
    numbers = ("SeniorCitizen", "tenure", "MonthlyCharges", "TotalCharges")
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    for name in numbers:
        table[name] = np.array([float(row[name].strip() or "nan") for row in rows])
    return {name: table[name] for name in table if name not in ("customerID", "Churn")}, outcomes


def rows_of(table, rows):
    return {name: column[rows] for name, column in table.items()}


def small_table(count, seed):
    chance = np.random.default_rng(seed)
    number = chance.normal(size=count)
    kind = chance.choice(["a", "b", "c"], count)
    odds = number + (kind == "a") - 0.5
    outcomes = (chance.random(count) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    number[::17] = np.nan
    return {"number": number, "kind": kind}, outcomes


def test_telco_is_foretold_as_well_as_by_published_methods():
    """One of the two repetitions of the reference's folds: the other costs as long and says the same."""
    table, outcomes = telco()
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=1, random_state=7).split(outcomes, outcomes)

    measured = []
    for taught, tested in folds:
        fitted = estimated(rows_of(table, taught), outcomes[taught])
        measured.append(figures(outcomes[tested], fitted.probability(rows_of(table, tested))))

    assert np.mean([one["auc"] for one in measured]) >= 0.845
    assert np.mean([one["brier"] for one in measured]) <= 0.136
    assert np.mean([one["ece10"] for one in measured]) <= 0.03


def test_equal_rows_teach_an_equal_estimator():
    table, outcomes = small_table(600, 1)

    first, second = estimated(table, outcomes), estimated(table, outcomes)

    np.testing.assert_array_equal(first.probability(table), second.probability(table))


def test_unknown_categories_and_missing_numbers_get_a_probability():
    table, outcomes = small_table(600, 2)

    found = estimated(table, outcomes, np.arange(600) // 2).probability(
        {"number": np.array([np.nan, 0.3, 1e9]), "kind": np.array(["never seen", "zz", "a"])}
    )

    assert np.isfinite(found).all()
    assert ((found > 0) & (found < 1)).all()


def test_probabilities_of_an_outcome_at_random_stay_near_its_share():
    """With nothing to learn, calibration out of fold keeps the models from believing noise."""
    chance = np.random.default_rng(4)
    table = {f"noise_{number}": chance.normal(size=2000) for number in range(10)}
    outcomes = (chance.random(2000) < 0.2).astype(np.int64)

    fitted = estimated(table, outcomes)
    found = fitted.probability({name: chance.normal(size=2000) for name in table})

    assert (
        brier(outcomes, np.full(2000, outcomes.mean())) <= brier(chance.permutation(outcomes), found) + 0.01
    )
    assert found.std() < 0.05


@pytest.mark.parametrize("seed", range(3))
def test_measures_are_what_they_are_defined_as(seed):
    chance = np.random.default_rng(seed)
    probability = chance.integers(0, 21, 200) / 20
    outcomes = (chance.random(200) < probability).astype(np.int64)
    pairs = list(zip(outcomes.tolist(), probability.tolist(), strict=True))
    ones, zeros = ([p for y, p in pairs if y == one] for one in (1, 0))
    bins = [[(y, p) for y, p in pairs if min(int(p * 10), 9) == number] for number in range(10)]
    error = sum(abs(sum(y - p for y, p in one)) for one in bins) / 200
    above = sum((one > zero) + (one == zero) / 2 for one in ones for zero in zeros)

    assert brier(outcomes, probability) == pytest.approx(sum((y - p) ** 2 for y, p in pairs) / 200)
    assert calibration_error(outcomes, probability) == pytest.approx(error)
    assert area_under_curve(outcomes, probability) == pytest.approx(above / len(ones) / len(zeros))


def test_log_loss_of_a_certain_mistake_is_finite():
    assert log_loss(np.array([1, 0]), np.array([0.0, 0.0])) == pytest.approx(-np.log(1e-6) / 2, abs=1e-5)
