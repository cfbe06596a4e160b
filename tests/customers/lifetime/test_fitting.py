"""Fits of simulated customers, and what is refused."""

from uuid import UUID

import numpy as np
import pytest

from services.customers.lifetime import gamma_gamma
from services.customers.lifetime.accounts import Accounts, Place
from services.customers.lifetime.bg_nbd import BG_NBD
from services.customers.lifetime.fitting import FitRefused, Why, fitted
from services.customers.lifetime.mbg_nbd import MBG_NBD
from services.customers.lifetime.pareto_nbd import PARETO_NBD
from services.customers.lifetime.selection import selected
from services.customers.lifetime.summaries import Histories, Summaries, summarised
from services.customers.lifetime.training import Serving, Trained
from services.customers.lifetime.value import Terms, drawn_purchases, nearby_purchases
from services.customers.lifetime.valuing import DRAWS, SEED, account_values
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
    purchases, spend = fitted(BG_NBD, seen), gamma_gamma.fitted(seen.repeats, spends).estimate
    place = one_currency(seen, spends)
    fits = Trained(UUID(int=0), Serving(BG_NBD, purchases, purchases, "tenant"), {0: spend}, {}, ())
    terms = Terms(3, 4.0, 0.02, 0.3)

    found = account_values(place, fits, terms)
    again = account_values(place, fits, terms)

    y = [0.0, *(BG_NBD.expected(purchases.at, seen, 4.0 * k)[5] for k in (1, 2, 3))]
    money = gamma_gamma.expected_spend(spend.at, seen.repeats, spends)[5]
    naive = sum((y[k] - y[k - 1]) / 1.02**k for k in (1, 2, 3)) * money * 0.3
    assert found.expected[5] == pytest.approx(naive, rel=1e-12)
    assert found.purchases[5] == pytest.approx(y[3], rel=1e-12)
    assert ((found.low < found.expected) & (found.expected < found.high)).mean() > 0.99
    assert found.low.tolist() == again.low.tolist()
    drawn = [naive_value(purchases, spend, seen, spends, draw, terms) for draw in range(DRAWS)]
    assert found.low[5] == pytest.approx(np.quantile([one[5] for one in drawn], 0.1), rel=1e-9)
    assert np.quantile(found.totals[0], 0.9) == pytest.approx(
        np.quantile([one.sum() for one in drawn], 0.9), rel=1e-9
    )


def naive_value(purchases, spend, seen, spends, draw, terms):
    """Every customer's value by one drawn pair of parameter sets."""
    at = purchases.draws(DRAWS, SEED)[draw]
    paid = [one for one in spend.draws(4 * DRAWS, SEED + 1) if one[1] > 1][draw]
    total, before = 0.0, 0.0
    for period in range(1, terms.periods + 1):
        bought = BG_NBD.expected(at, seen, period * terms.period)
        total += (bought - before) * terms.margin / (1 + terms.discount) ** period
        before = bought
    return total * gamma_gamma.expected_spend(paid, seen.repeats, spends)


def test_many_customers_get_nearly_the_interval_of_few_at_a_fraction_of_its_cost():
    seen = oracles.drawn(AT, 8000, 60, 3)
    found = fitted(BG_NBD, seen)
    some, terms = seen.thinned(300), Terms(1, 52.0)

    exact = np.quantile(drawn_purchases(BG_NBD, found, some, terms, draws=200, seed=1), (0.1, 0.9), axis=0)
    near = np.quantile(nearby_purchases(BG_NBD, found, some, terms, draws=200, seed=1), (0.1, 0.9), axis=0)

    width = exact[1] - exact[0]
    assert (np.abs(near - exact) < 0.1 * width + 1e-6).all()


@pytest.mark.parametrize("model", MODELS)
def test_each_row_may_have_parameters_of_its_own(model):
    sets = np.array([AT, [0.7, 3.0, 1.0, 1.9], [2.0, 9.0, 0.6, 4.0]])
    seen = oracles.rows((0, 0, 30), (3, 12, 30), (9, 29, 30))

    found = model.expected(sets.T, seen, 26.0)

    for row, at in enumerate(sets):
        assert found[row] == pytest.approx(model.expected(at, seen, 26.0)[row], rel=1e-12)


def one_currency(seen, spends):
    count = len(seen)
    every, ones = np.arange(count), np.ones(count, np.int64)
    accounts = Accounts(
        every, 0 * ones, ones, ones, ones, every, 1.0 * ones, seen.repeats, spends, ones.astype(bool)
    )
    return Place(Histories(every, seen, spends), accounts, every, every)


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
