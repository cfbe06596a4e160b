"""Chances of churn against what patrons then did, and against what is true of them.

What is known at a Monday's midnight thirteen weeks before the house's end, and what came then.
"""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from deploy.local.credentials import DEMO_TENANT
from deploy.local.simulator.patrons.playing import play
from deploy.local.simulator.patrons.profiles import SMALL
from deploy.local.simulator.world import Ids
from libs.common.buckets import microseconds
from services.customers.churn.calculation import churned
from services.customers.lifetime.accounts import place_of
from services.customers.lifetime.purchases import Purchases, local_days
from services.customers.lifetime.training import trained
from tests.customers.truth.conftest import ANCHOR

pytestmark = pytest.mark.timeout(300)  # thousands of lives are played, and models fitted to them
HORIZON_DAYS = 91
CUT = ANCHOR - timedelta(days=HORIZON_DAYS)
STANDARD_ERROR = 0.025
"""At the most, of the share of a populated decile's customers who stay away: half of what chances may be off.
That takes 400 customers where the share is a half, and 144 where it is a tenth."""


@pytest.fixture(scope="module")
def foretold(house, truth):
    """Of every customer at the cut: the chance of churn, whether they churned, and the true chance."""
    ids = [patron.customer.id for patron in house.patrons]
    place = known_at(house, ids, CUT)
    end = CUT.toordinal() - 1
    serving = trained(house.venue.id, place, ["EUR"], end=end).purchases
    found = churned(
        place,
        serving.model,
        serving.estimate.at,
        end=end,
        horizon_days=HORIZON_DAYS,
        venue_id=house.venue.id,
        fitted_on="tenant",
    )
    at = midnight(house, CUT)
    customers = [ids[code] for code in found.customers]
    return SimpleNamespace(
        chance=found.probability,
        churned=np.array([not truth.has_bought(one, at, house.until) for one in customers]),
        true_chance=np.array([1 - truth.chance_to_buy(one, at, HORIZON_DAYS) for one in customers]),
        silent_days=place.histories.summaries.age - place.histories.summaries.recency,
        is_lost=np.array([truth.is_lost(one, at) for one in customers]),
    )


def known_at(house, ids, day):
    """The purchases that were made before a day, and nothing of later ones."""
    numbers = {customer_id: number for number, customer_id in enumerate(ids)}
    orders = [order for order in house.season.orders if order.sold_at < midnight(house, day)]
    sold = np.array([microseconds(order.sold_at) for order in orders])
    count = len(orders)
    purchases = Purchases(
        customer_high=np.zeros(count, np.uint64),
        customer_low=np.zeros(count, np.uint64),
        venue=np.zeros(count, np.int32),
        currency=np.zeros(count, np.int32),
        sold=sold,
        stands=np.ones(count, np.bool_),
        spend=np.array([order.gross_minor for order in orders]),
        newest=sold,
        currencies=("EUR",),
    )
    customers = np.array([numbers[order.customer.id] for order in orders])
    days = local_days(purchases, [house.venue.zone])
    return place_of(purchases, customers, days, np.arange(count), end=day.toordinal() - 1)


def midnight(house, day):
    return datetime(day.year, day.month, day.day, tzinfo=house.venue.zone).astimezone(UTC)


def brier(chance, happened):
    return float(np.mean((chance - happened) ** 2))


def by_recency_alone(house, truth):
    """Who stays away, by days since the last purchase, as the thirteen weeks before the cut taught it."""
    ids = [patron.customer.id for patron in house.patrons]
    earlier = CUT - timedelta(days=HORIZON_DAYS)
    seen = known_at(house, ids, earlier).histories
    at, until = midnight(house, earlier), midnight(house, CUT)
    stayed_away = np.array([not truth.has_bought(ids[code], at, until) for code in seen.customers])
    silent = seen.summaries.age - seen.summaries.recency
    edges = np.quantile(silent, np.linspace(0, 1, 21)[1:-1])
    shares = np.array(
        [stayed_away[np.searchsorted(edges, silent) == group].mean() for group in range(len(edges) + 1)]
    )
    return lambda silent: shares[np.searchsorted(edges, silent)]


def deciles(chance):
    """Rows of each populated decile of the chance."""
    decile = np.minimum((chance * 10).astype(int), 9)
    found = [np.flatnonzero(decile == number) for number in range(10)]
    return [rows for rows in found if is_populated(chance[rows])]


def is_populated(chance):
    return len(chance) > 0 and chance.mean() * (1 - chance.mean()) <= STANDARD_ERROR**2 * len(chance)


def test_of_customers_with_a_chance_of_churn_as_many_churn(foretold):
    populated = deciles(foretold.chance)

    assert len(populated) >= 8
    for rows in populated:
        assert foretold.chance[rows].mean() == pytest.approx(foretold.churned[rows].mean(), abs=0.05)


def test_chances_of_churn_are_the_true_ones_on_average_in_each_decile(foretold):
    for rows in deciles(foretold.chance):
        assert foretold.chance[rows].mean() == pytest.approx(foretold.true_chance[rows].mean(), abs=0.05)


def test_chances_are_better_than_the_base_rate_and_than_recency_alone(foretold, house, truth):
    found = brier(foretold.chance, foretold.churned)
    base = brier(np.full(len(foretold.churned), foretold.churned.mean()), foretold.churned)
    recency = brier(by_recency_alone(house, truth)(foretold.silent_days), foretold.churned)

    assert found < recency < base
    assert found < 0.6 * base


def test_nobody_knows_better_than_the_truth(foretold):
    assert brier(foretold.true_chance, foretold.churned) < brier(foretold.chance, foretold.churned)


def test_those_who_are_lost_are_held_for_it(foretold):
    """The order that the chance makes, as the probability that a lost customer stands above another one."""
    lost, here = foretold.chance[foretold.is_lost], foretold.chance[~foretold.is_lost]
    ranks = np.searchsorted(np.sort(here), lost, side="left") + np.searchsorted(
        np.sort(here), lost, side="right"
    )

    assert ranks.mean() / (2 * len(here)) > 0.85


def test_the_demos_house_is_large_enough_for_models():
    house = play(Ids(DEMO_TENANT, 7), SMALL, ANCHOR)
    place = known_at(house, [patron.customer.id for patron in house.patrons], ANCHOR)

    serving = trained(house.venue.id, place, ["EUR"], end=ANCHOR.toordinal() - 1).purchases

    assert serving is not None
