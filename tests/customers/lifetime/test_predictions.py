"""Predictions on a run's models: their terms, and when they are refused."""

from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest

from libs.common.context import TenantScope
from libs.common.errors import NotEnoughHistory
from services.customers.errors import ModelNotFitted, ModelNotIdentifiable
from services.customers.lifetime.predicting import Asked
from tests.customers.lifetime.conftest import AS_OF, orders_of
from tests.customers.lifetime.histories import START, Row
from tests.customers.lifetime.stored import STORED
from tests.platform import events as make


async def test_stored_values_are_those_that_a_prediction_on_the_same_terms_gives(
    as_admin, fit, values, tenant_id, venue_ids, filled
):
    await fit(tenant_id)
    scope = TenantScope(tenant_id)

    for venue_id in venue_ids:
        rows = await as_admin.fetch(STORED, tenant_id)
        for row in [row for row in rows if row["venue_id"] == venue_id][:8]:
            found = await values.predict(scope, venue_id, row["customer_id"], Asked())

            (account,) = found.prediction.accounts
            assert account.expected_minor == row["expected_minor"]
            assert account.low_minor == row["low_minor"]
            assert account.high_minor == row["high_minor"]
            assert found.prediction.expected_purchases == pytest.approx(row["expected_purchases"])
            assert found.prediction.alive_probability == pytest.approx(row["alive_probability"])


async def test_discount_margin_and_horizon_do_what_they_say(fit, values, tenant_id, venue_ids, filled):
    await fit(tenant_id)
    scope, customer = TenantScope(tenant_id), filled[0].customer
    venue_id = venue_ids[filled[0].venue]

    async def expected(**asked):
        found = await values.predict(scope, venue_id, customer, Asked(**asked))
        return found.prediction.accounts[0].expected_minor, found.prediction.expected_purchases

    plain, bought = await expected()
    half, _ = await expected(margin_ratio=0.5)
    assert half == pytest.approx(plain / 2, abs=1)
    short, fewer = await expected(horizon_days=30)
    assert 0 < short < plain
    assert fewer < bought
    discounted, as_many = await expected(discount_rate=0.2)
    assert plain / 1.2 < discounted < plain
    assert as_many == pytest.approx(bought)
    once, _ = await expected(horizon_days=30, discount_rate=0.2)
    assert once == pytest.approx(short / 1.2 ** (30 / 365), abs=1)


async def test_without_a_run_a_prediction_is_refused_and_the_value_is_historic(
    values, tenant_id, venue_ids, filled
):
    scope, row = TenantScope(tenant_id), filled[0]

    with pytest.raises(ModelNotFitted):
        await values.predict(scope, venue_ids[row.venue], row.customer, Asked())
    value = await values.value(scope, venue_ids[row.venue], row.customer)

    assert (value.run, value.serving, value.stored) == (None, None, [])
    assert value.totals[0].spend_minor == sum(one.spend for one in filled if one.customer == row.customer)


@pytest.mark.parametrize(
    ("repeats", "error"),
    [(0, NotEnoughHistory), (12, ModelNotIdentifiable)],
    ids=["nobody back", "nobody lost"],
)
async def test_refused_fits_refuse_predictions_with_their_reason(
    apply, fit, values, tenant_id, venue_ids, repeats, error
):
    chance = np.random.default_rng(5)
    rows = []
    for number in range(120):
        days = [0, *np.sort(chance.choice(np.arange(1, 400), repeats, replace=False)).tolist()]
        rows += [Row(0, UUID(int=number), START + timedelta(days=day)) for day in days]
    await apply(orders_of(tenant_id, venue_ids, rows))
    await fit(tenant_id)
    scope = TenantScope(tenant_id)

    with pytest.raises(error) as refusal:
        await values.predict(scope, venue_ids[0], UUID(int=1), Asked())
    value = await values.value(scope, venue_ids[0], UUID(int=1))

    assert value.run is not None
    assert value.run.refusal == refusal.value.reason
    assert [one.basis for one in value.stored] == ["historic"]
    assert value.stored[0].historic_minor == 1000 * (repeats + 1)


async def test_a_customer_who_never_bought_has_not_enough_history(
    apply, fit, values, tenant_id, venue_ids, filled
):
    await fit(tenant_id)
    today = make.order_completed(tenant_id, venue_ids[0], customer=UUID(int=9), at=AS_OF)
    await apply([today])

    with pytest.raises(NotEnoughHistory):
        await values.predict(TenantScope(tenant_id), venue_ids[0], UUID(int=9), Asked())
