"""Fits of simulated customers, and what is refused."""

import numpy as np
import pytest

from services.customers.lifetime import gamma_gamma
from services.customers.lifetime.bg_nbd import BG_NBD
from services.customers.lifetime.fitting import FitRefused, Why, fitted
from services.customers.lifetime.mbg_nbd import MBG_NBD
from services.customers.lifetime.pareto_nbd import PARETO_NBD
from services.customers.lifetime.selection import selected
from services.customers.lifetime.summaries import Histories, Summaries, summarised
from services.customers.lifetime.value import Terms, valued
from tests.customers.lifetime import oracles

MODELS = (BG_NBD, MBG_NBD, PARETO_NBD)
AT = np.array([1.2, 6.0, 1.1, 2.5])


def shuffled(seen, seed):
    order = np.random.default_rng(seed).permutation(len(seen))
    return Summaries(seen.repeats[order], seen.recency[order], seen.age[order], seen.weights[order])


@pytest.mark.parametrize("model", MODELS)
def test_known_parameters_are_recovered_within_their_errors(model):
    seen = oracles.drawn(AT, 8000, 60, 3, lost_at_first=model is MBG_NBD, pareto=model is PARETO_NBD)

    found = fitted(model, seen)

    errors = np.sqrt(np.diag(found.covariance))
    assert (np.abs(np.log(found.at / AT)) < 4 * errors).all()
    assert found.log_likelihood >= model.log_likelihood(AT, seen).sum()


def test_grouped_and_shuffled_customers_give_the_very_same_fit():
    exact = oracles.drawn(AT, 1500, 40, 4)
    seen = Summaries(exact.repeats, np.ceil(exact.recency), exact.age, exact.weights)
    groups, of = seen.grouped()

    one, two, three = (fitted(BG_NBD, some) for some in (seen, shuffled(seen, 1), groups))

    assert len(groups) < len(seen)
    assert (groups.recency[of] == seen.recency).all()
    assert one.at.tolist() == two.at.tolist() == three.at.tolist()
    assert one.log_likelihood == pytest.approx(BG_NBD.log_likelihood(one.at, seen).sum(), rel=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_customers_whom_nothing_ever_loses_are_refused(model):
    chance = np.random.default_rng(8)
    x = chance.poisson(chance.gamma(3, 0.1, 3000) * 40).astype(float)
    recency = np.where(x > 0, 40 * chance.random(3000) ** (1 / np.maximum(x, 1)), 0)

    with pytest.raises(FitRefused) as refusal:
        fitted(model, Summaries(x, recency, np.full(3000, 40.0), np.ones(3000)))

    assert refusal.value.why in {Why.BOUNDARY, Why.NOT_IDENTIFIABLE}


def test_too_few_repeaters_are_refused_by_that_name():
    with pytest.raises(FitRefused) as refusal:
        fitted(BG_NBD, oracles.rows(*[(0, 0, 30)] * 100, *[(2, 9, 30)] * 29))

    assert refusal.value.why is Why.TOO_FEW_REPEATERS


def spenders(count, seed):
    chance = np.random.default_rng(seed)
    x = chance.integers(0, 9, count).astype(float)
    scale = chance.gamma(4.0, 1 / 15.0, count)
    means = chance.gamma(np.maximum(6.0 * x, 1)) / scale / np.maximum(x, 1)
    return x, np.where(x > 0, means, np.nan)


def test_gamma_gamma_recovers_simulated_spend_and_shrinks_towards_the_population():
    x, spends = spenders(20_000, 6)

    found = gamma_gamma.fitted(x, spends).estimate

    errors = np.sqrt(np.diag(found.covariance))
    assert (np.abs(np.log(found.at / [6.0, 4.0, 15.0])) < 4 * errors).all()
    expected = gamma_gamma.expected_spend(found.at, np.array([0.0, 1e9]), np.array([np.nan, 55.0]))
    assert expected == pytest.approx([found.at[0] * found.at[2] / (found.at[1] - 1), 55.0])


def test_purchases_of_a_day_count_once_in_any_order():
    customers, days = np.array([7, 2, 7, 7, 2, 9]), np.array([14, 3, 0, 14, 3, 99])
    spends = np.array([10.0, 5.0, 99.0, 20.0, 5.0, 1.0])

    for order in (np.arange(6), np.arange(6)[::-1]):
        found = summarised(customers[order], days[order], spends[order], end=21)

        assert found.customers.tolist() == [2, 7]
        assert found.summaries.repeats.tolist() == [0, 1]
        assert found.summaries.recency.tolist() == [0, 2]
        assert found.summaries.age.tolist() == [18 / 7, 3]
        assert np.isnan(found.spends[0])
        assert found.spends[1] == 30


def test_value_sums_discounted_purchases_within_an_interval_that_repeats_itself():
    seen = oracles.drawn(AT, 3000, 40, 9)
    spends = np.where(seen.repeats > 0, spenders(3000, 2)[1], np.nan)
    spends = np.where((seen.repeats > 0) & np.isnan(spends), 20.0, spends)
    histories = Histories(np.arange(3000), seen, spends)
    purchases, spend = fitted(BG_NBD, seen), gamma_gamma.fitted(seen.repeats, spends).estimate
    terms = Terms(3, 4.0, 0.02, 0.3)

    found = valued(BG_NBD, purchases, spend, histories, terms, seed=1)
    again = valued(BG_NBD, purchases, spend, histories, terms, seed=1)

    y = [0.0, *(BG_NBD.expected(purchases.at, seen, 4.0 * k)[5] for k in (1, 2, 3))]
    money = gamma_gamma.expected_spend(spend.at, seen.repeats, spends)[5]
    naive = sum((y[k] - y[k - 1]) / 1.02**k for k in (1, 2, 3)) * money * 0.3
    assert found.value[5] == pytest.approx(naive, rel=1e-12)
    assert ((found.low < found.value) & (found.value < found.high)).mean() > 0.99
    assert found.low.tolist() == again.low.tolist()


def test_the_model_that_foretold_best_serves():
    chance = np.random.default_rng(3)
    rate = chance.gamma(1.2, 1 / 42, 1500)
    until = chance.exponential(1 / chance.gamma(1.1, 1 / 90, 1500))
    bought = [np.cumsum(np.r_[0, chance.exponential(1 / one, 60)]) for one in rate]
    kept = [times[times <= min(365, end)] for times, end in zip(bought, until, strict=True)]
    customers = np.repeat(np.arange(1500), [len(times) for times in kept])

    found = selected(customers, np.concatenate(kept).astype(np.int64), end=365, held_out_days=120)

    errors = {one.model: one.root_mean_square_error for one in found.scores}
    assert found.model.name == min(errors, key=errors.get)
    assert len(errors) + len(found.refusals) >= 3
