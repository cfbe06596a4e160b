"""Values and models are read within a tenant and its granted venues."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from libs.common.context import TenantScope
from libs.common.errors import VenueNotFound
from services.customers.errors import CustomerNotFound
from services.customers.lifetime.predicting import Asked
from services.customers.lifetime.reader import LifetimeReader
from services.customers.models.entry import WHOLE_TENANT
from tests.customers.lifetime.conftest import orders_of
from tests.customers.lifetime.histories import START, Row


async def test_strangers_and_other_venues_are_not_found(fit, values, tenant_id, venue_ids, filled):
    await fit(tenant_id)
    scope, granted = TenantScope(tenant_id), TenantScope(tenant_id, frozenset({venue_ids[1]}))
    at_first = next(row.customer for row in filled if row.venue == 0)

    for use in (values.value, lambda *who: values.predict(*who, Asked())):
        with pytest.raises(CustomerNotFound):
            await use(scope, venue_ids[0], uuid4())
        with pytest.raises(CustomerNotFound):
            await use(scope, venue_ids[1], at_first)
        with pytest.raises(VenueNotFound):
            await use(granted, venue_ids[0], at_first)
        with pytest.raises(VenueNotFound):
            await use(TenantScope(uuid4()), venue_ids[0], at_first)


async def test_a_grant_hides_what_was_made_from_all_venues(
    database, fit, values, tenant_id, venue_ids, filled
):
    await fit(tenant_id)
    granted = TenantScope(tenant_id, frozenset({venue_ids[1]}))

    summaries = await values.summaries(granted, None)

    assert [one.run.venue_id for one in summaries] == [venue_ids[1]]
    assert {model.entry.venue_id for one in summaries for model in one.models} == {venue_ids[1]}
    (whole,) = await values.summaries(TenantScope(tenant_id), None)
    assert whole.run.venue_id == WHOLE_TENANT
    async with database.transaction(granted) as conn:
        for table in ("models", "lifetime_runs", "customer_lifetime_value"):
            rows = await conn.fetch(f"select distinct venue_id from {table}")
            assert [row["venue_id"] for row in rows] == [venue_ids[1]]
    async with database.transaction(TenantScope(uuid4())) as conn:
        assert await conn.fetchval("select count(*) from customer_lifetime_value") == 0


async def test_the_reader_gives_main_currencies_and_adds_up_granted_venues(
    database, apply, fit, tenant_id, venue_ids, filled
):
    customer = UUID(int=501)
    rows = [
        Row(0, customer, START + timedelta(days=1), "EUR", spend=100),
        Row(0, customer, START + timedelta(days=30), "EUR", spend=300),
        Row(1, customer, START + timedelta(days=60), "EUR", spend=500),
        Row(1, customer, START + timedelta(days=60), "USD", spend=9000),
    ]
    await apply(orders_of(tenant_id, venue_ids, rows))
    await fit(tenant_id)
    reader, granted = LifetimeReader(database), TenantScope(tenant_id, frozenset(venue_ids))

    whole = (await reader.values_by_currency(TenantScope(tenant_id), [customer]))[customer]
    one = (await reader.values(TenantScope(tenant_id), [customer], venue_id=venue_ids[1]))[customer]
    summed = (await reader.values_by_currency(granted, [customer]))[customer]

    assert [(value.currency, value.purchase_count, value.historic_minor) for value in whole] == [
        ("EUR", 3, 900),
        ("USD", 1, 9000),
    ]
    assert (one.currency, one.historic_minor) == ("USD", 9000)
    assert [(value.currency, value.historic_minor) for value in summed] == [("EUR", 900), ("USD", 9000)]
    parts = [
        (await reader.values_by_currency(granted, [customer], venue_id=venue_id))[customer]
        for venue_id in venue_ids
    ]
    euros = [value for part in parts for value in part if value.currency == "EUR"]
    assert summed[0].expected_minor == sum(value.expected_minor for value in euros)
    assert await reader.values(TenantScope(uuid4()), [customer]) == {}
