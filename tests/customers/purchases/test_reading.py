"""Who a caller may look up, and what it is told of their purchases."""

from datetime import timedelta
from uuid import uuid4

import pytest

from libs.common.context import TenantScope
from services.customers.errors import CustomerNotFound
from services.customers.people.reader import PeopleReader
from services.customers.purchases.reader import CurrencyTotals, PurchaseReader
from tests.customers.people.shoppers import bought, record, registered
from tests.customers.purchases import histories
from tests.customers.purchases.histories import History
from tests.platform import events as make


@pytest.fixture
def purchases(database):
    return PurchaseReader(database)


@pytest.fixture
def people(database):
    return PeopleReader(database)


@pytest.fixture
async def history(handler):
    made = History(5)
    await record(handler, made.events)
    return made


def totals(rows, person):
    """A person's totals by currency, from the naive rows."""
    found = []
    for currency in sorted({currency for (_, currency), row in rows.items() if row["customer_id"] == person}):
        own = [row for (_, of), row in rows.items() if of == currency and row["customer_id"] == person]
        standing = [row["sold_at"] for row in own if row["order_count"]]
        found.append(
            CurrencyTotals(
                currency,
                sum(row["order_count"] for row in own),
                sum(row["ticket_count"] - row["refunded_ticket_count"] for row in own),
                sum(row["spend_minor"] for row in own),
                min(standing, default=None),
                max(standing, default=None),
                max(row["newest_fact_at"] for row in own),
            )
        )
    return found


async def test_totals_per_venue_and_over_all_venues_equal_a_naive_recount(purchases, history):
    rows, scope = histories.purchases(history.events), TenantScope(history.tenant)

    of_all = await purchases.totals(scope, history.people)
    of_one = await purchases.totals(scope, history.people, venue_id=history.venues[0])

    at_one = {key: row for key, row in rows.items() if row["venue_id"] == str(history.venues[0])}
    for person in history.people:
        assert of_all.get(person, []) == totals(rows, str(person))
        assert of_one.get(person, []) == totals(at_one, str(person))


async def test_a_venue_grant_limits_totals_to_its_venues(purchases, history):
    granted = TenantScope(history.tenant, frozenset(history.venues[:1]))

    found = await purchases.totals(granted, history.people)

    whole = TenantScope(history.tenant)
    assert found == await purchases.totals(whole, history.people, venue_id=history.venues[0])
    assert await purchases.totals(granted, history.people, venue_id=history.venues[1]) == {}


async def test_another_tenant_sees_nobody(purchases, people, history):
    stranger = TenantScope(uuid4())

    assert await purchases.totals(stranger, history.people) == {}
    assert await people.people(stranger, history.people) == {}
    with pytest.raises(CustomerNotFound):
        await people.require(stranger, None, history.people[0])


async def test_people_are_known_where_they_have_dealt_and_to_nobody_who_is_not_granted_it(handler, people):
    tenant, here, there, person = (uuid4() for _ in range(4))
    await record(handler, [bought(tenant, here, person), make.venue_updated(tenant, there)])
    whole = TenantScope(tenant)

    assert (await people.require(whole, here, person)).customer_id == person
    assert (await people.require(TenantScope(tenant, frozenset({here})), None, person)).customer_id == person
    for scope, venue in ((whole, there), (TenantScope(tenant, frozenset({there})), None)):
        with pytest.raises(CustomerNotFound):
            await people.require(scope, venue, person)


async def test_who_only_registered_is_known_to_the_whole_tenant_alone(handler, people):
    tenant, venue, person = uuid4(), uuid4(), uuid4()
    opened = make.NOON - timedelta(days=9)
    await record(handler, [registered(tenant, person, name="Ada", registered_at=opened, tags=["vip"])])

    found = await people.require(TenantScope(tenant), None, person)

    assert (found.name, found.registered_at, found.tags) == ("Ada", opened, ("vip",))
    assert await people.people(TenantScope(tenant, frozenset({venue})), [person]) == {}
    assert await people.people(TenantScope(tenant), []) == {}
