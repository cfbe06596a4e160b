"""Likelihoods and expectations of the models against other ways to the same numbers."""

import numpy as np
import pytest

from services.customers.churn.by_purchases import churn_probability, missed_usual_show, usual_gap
from services.customers.lifetime.bg_nbd import BG_NBD
from services.customers.lifetime.mbg_nbd import MBG_NBD
from services.customers.lifetime.pareto_nbd import PARETO_NBD
from tests.customers.lifetime import oracles

MODELS = (BG_NBD, MBG_NBD, PARETO_NBD)
AT = np.array([1.4, 5.0, 1.3, 2.6])
HISTORIES = [(0, 0, 20), (1, 4, 20), (3, 11, 20), (3, 19.5, 20), (6, 30, 39)]


def likelihood(model, history):
    if model is PARETO_NBD:
        return oracles.pareto_likelihood(AT, *history)
    return oracles.geometric_likelihood(AT, *history, lost_at_first=model is MBG_NBD)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("history", HISTORIES)
def test_likelihood_is_the_mixture_of_the_customers_own(model, history):
    found = model.log_likelihood(AT, oracles.rows(history))[0]

    assert found == pytest.approx(np.log(likelihood(model, history)), abs=2e-4)


@pytest.mark.parametrize("model", MODELS)
def test_gradient_is_the_slope_of_the_likelihood(model):
    seen = oracles.rows(*HISTORIES)

    _, found = model.gradient(AT, seen)

    for place in range(4):
        step = np.eye(4)[place] * 1e-5
        slope = (model.log_likelihood(AT + step, seen) - model.log_likelihood(AT - step, seen)) / 2e-5
        assert found[place] == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_simulated_customers_buy_as_often_and_return_as_often_as_expected(model):
    kind = {"lost_at_first": model is MBG_NBD, "pareto": model is PARETO_NBD}
    seen, later = oracles.drawn(AT, 200_000, 20, 5, until=46, **kind)

    expected = model.expected(AT, seen, 26)
    silent = churn_probability(model, AT, seen, 26)

    for x in range(4):
        of = seen.repeats == x
        error = later[of].std() / np.sqrt(of.sum())
        assert abs(later[of].mean() - expected[of].mean()) < 4 * error
        assert abs((later[of] == 0).mean() - silent[of].mean()) < 4 * 0.5 / np.sqrt(of.sum())


@pytest.mark.parametrize("model", [BG_NBD, MBG_NBD])
def test_expectation_is_smooth_where_the_formula_divides_by_zero(model):
    seen = oracles.rows(*HISTORIES)
    near = [model.expected(np.array([1.4, 5.0, a, 2.6]), seen, 26) for a in (0.999, 1.0, 1.001)]

    assert near[1] == pytest.approx((near[0] + near[2]) / 2, rel=1e-5)


@pytest.mark.parametrize("s", [0.4, 1.0, 2.5])
def test_pareto_expectation_is_the_rate_over_the_time_still_alive(s):
    at, seen = np.array([0.6, 10.0, s, 12.0]), oracles.rows((2, 25, 39))

    found = PARETO_NBD.expected(at, seen, 30)[0]

    alive = PARETO_NBD.alive(at, seen)[0]
    assert found == pytest.approx(alive * 2.6 / 49 * oracles.lomax_mean_lifetime(51, s, 30), rel=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_heavy_buyers_and_long_silences_stay_finite(model):
    seen = oracles.rows((500, 100, 101), (500, 1, 500), (0, 0, 0), (0, 0, 1e5))

    for found in (model.log_likelihood(AT, seen), model.alive(AT, seen), model.expected(AT, seen, 50)):
        assert np.isfinite(found).all()


def test_one_time_buyers_are_alive_in_bg_nbd_yet_likelier_to_stay_away():
    seen = oracles.rows((0, 0, 39), (8, 38, 39))

    churn = churn_probability(BG_NBD, AT, seen, 13)

    assert BG_NBD.alive(AT, seen)[0] == 1
    assert churn[0] > churn[1]


def test_usual_gap_is_the_quantile_of_simulated_gaps():
    seen, chance = oracles.rows((4, 20, 30), (0, 0, 30)), np.random.default_rng(2)
    gaps = chance.exponential(1 / chance.gamma(AT[0] + 4, 1 / (AT[1] + 20), 200_000))

    found = usual_gap(AT, seen, 0.9)

    assert found[0] == pytest.approx(np.quantile(gaps, 0.9), rel=0.01)
    assert missed_usual_show(AT, seen).tolist() == [bool(found[0] < 10), False]
