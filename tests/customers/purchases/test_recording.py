"""Purchases, attendance and people are what a naive recount of all events says, whatever arrives when."""

import asyncio
from uuid import uuid4

import pytest

from libs.common.bus.consumer import in_transaction
from libs.common.bus.port import DONE, Delivery, Verdict
from libs.common.catalog.venues import Venues
from services.customers.read_models.consumer import QUEUE, ReadModels
from tests.customers.people.shoppers import bought, by, record, registered, updated
from tests.customers.purchases import histories, stored
from tests.customers.purchases.histories import History
from tests.platform import events as make

LATER = {"at": make.NOON.replace(hour=18)}


async def applied(handler, events, *, batch=40):
    for start in range(0, len(events), batch):
        await record(handler, events[start : start + batch])


async def assert_as_counted(connection, history):
    tenant, events = history.tenant, history.events
    assert await stored.purchases(connection, tenant) == histories.purchases(events)
    assert await stored.admissions(connection, tenant) == histories.admissions(events)
    assert await stored.seen(connection, tenant) == histories.seen(events)
    transfers = await stored.rows(connection, "transfers", tenant, "transfer_id")
    assert set(transfers) == {event.event_id for event in histories.of(events, "ticket.transferred")}
    people = await stored.people(connection, tenant)
    told = histories.profiles(events)
    assert set(people) == {person for _, person in histories.seen(events)} | set(told)
    for person, profile in told.items():
        row = people[person]
        assert (row["name"], row["email"], row["tags"]) == (profile.name, profile.email, list(profile.tags))
        consent = profile.marketing_consent if profile.HasField("marketing_consent") else None
        assert (row["city"], row["marketing_consent"]) == (profile.city, consent)


@pytest.mark.parametrize("seed", range(6))
async def test_shuffled_repeated_and_late_events_equal_a_naive_recount(handler, as_admin, seed):
    history = History(seed)
    assert len({order for order, _ in histories.purchases(history.events)}) > 20

    await applied(handler, history.arrivals(seed), batch=1 + 17 * seed)

    await assert_as_counted(as_admin, history)


@pytest.fixture
def replicas(database, cache, tombstones):
    """Handlers of two replicas, each with its own memory of venues."""
    models = [ReadModels(database, Venues(database), cache, tombstones) for _ in range(2)]
    return [in_transaction(database, service="customers", queue=QUEUE, apply=one.apply) for one in models]


async def test_two_replicas_that_apply_the_same_events_at_once_agree_with_the_recount(replicas, as_admin):
    history = History(77, orders=150)

    async def work(handler, seed):
        arrivals = [Delivery(event, 1) for event in history.arrivals(seed)]
        while arrivals:
            batch, arrivals = arrivals[:60], arrivals[60:]
            settlements = await handler(batch)
            arrivals += [one for one, told in zip(batch, settlements, strict=True) if told != DONE]

    async with asyncio.timeout(60):
        await asyncio.gather(*(work(handler, seed) for seed, handler in enumerate(replicas)))

    await assert_as_counted(as_admin, history)


async def test_a_refund_that_comes_before_its_order_is_taken_off_with_it(handler, as_admin):
    tenant, venue, person, order = (uuid4() for _ in range(4))
    await record(handler, [make.order_refunded(tenant, venue, order, amount=400, **LATER)])
    assert await stored.purchases(as_admin, tenant) == {}

    await record(handler, [bought(tenant, venue, person, order, lines=[(2, 500)])])

    (row,) = (await stored.purchases(as_admin, tenant)).values()
    assert (row["order_count"], row["spend_minor"], row["refund_minor"]) == (1, 600, 400)
    assert row["newest_fact_at"] == LATER["at"]


async def test_a_cancelled_order_leaves_no_purchase_and_its_customer_stays_known(handler, as_admin):
    tenant, venue, person, order = (uuid4() for _ in range(4))
    await record(handler, [bought(tenant, venue, person, order)])
    await record(handler, [make.order_cancelled(tenant, venue, order)])

    assert await stored.purchases(as_admin, tenant) == {}
    assert list(await stored.seen(as_admin, tenant)) == [(str(venue), str(person))]


async def test_an_order_restated_for_somebody_else_is_their_purchase(handler, as_admin):
    tenant, venue, wrong, right, order = (uuid4() for _ in range(5))
    await record(handler, [bought(tenant, venue, wrong, order, version=1)])

    await record(handler, [bought(tenant, venue, right, order, version=2)])

    (row,) = (await stored.purchases(as_admin, tenant)).values()
    assert row["customer_id"] == str(right)
    assert {person for _, person in await stored.seen(as_admin, tenant)} == {str(wrong), str(right)}


async def test_an_order_that_loses_its_customer_is_nobodys_purchase(handler, as_admin):
    tenant, venue, person, order = (uuid4() for _ in range(4))
    await record(handler, [bought(tenant, venue, person, order, version=1)])

    await record(handler, [make.order_completed(tenant, venue, order, version=2)])

    assert await stored.purchases(as_admin, tenant) == {}


async def test_a_refund_in_another_currency_has_a_row_of_its_own(handler, as_admin):
    tenant, venue, person, order = (uuid4() for _ in range(4))
    await record(
        handler,
        [
            bought(tenant, venue, person, order, lines=[(1, 1_000)]),
            make.order_refunded(tenant, venue, order, amount=300, currency="USD"),
        ],
    )

    rows = await stored.purchases(as_admin, tenant)
    assert {currency: row["spend_minor"] for (_, currency), row in rows.items()} == {
        "EUR": 1_000,
        "USD": -300,
    }
    assert {currency: row["order_count"] for (_, currency), row in rows.items()} == {"EUR": 1, "USD": 0}


async def test_a_free_order_stands_until_its_tickets_went_back(handler, as_admin):
    tenant, venue, person, order = (uuid4() for _ in range(4))
    await record(handler, [bought(tenant, venue, person, order, lines=[(2, 0)])])
    (row,) = (await stored.purchases(as_admin, tenant)).values()
    assert (row["order_count"], row["spend_minor"]) == (1, 0)

    await record(handler, [make.order_refunded(tenant, venue, order, amount=0, lines=[(2,)])])

    (row,) = (await stored.purchases(as_admin, tenant)).values()
    assert (row["order_count"], row["refunded_ticket_count"]) == (0, 2)


async def test_an_update_outranks_the_registration_whatever_its_version(handler, as_admin):
    tenant, person = uuid4(), uuid4()
    later = make.NOON.replace(hour=20)
    await record(handler, [updated(tenant, person, name="New", version=1)])

    await record(handler, [registered(tenant, person, name="Old", version=7, at=later)])

    assert (await stored.people(as_admin, tenant))[str(person)]["name"] == "New"


async def test_refused_scans_and_strangers_leave_no_trace_of_people(handler, as_admin):
    tenant, venue, show, person = (uuid4() for _ in range(4))
    refused = by(make.ticket_scanned(tenant, venue, show=show, result="refused"), person)

    await record(handler, [refused, make.ticket_scanned(tenant, venue, show=show)])

    assert await stored.people(as_admin, tenant) == {}
    assert len(await stored.admissions(as_admin, tenant)) == 1


async def test_an_event_that_names_another_tenants_venue_is_refused(handler, as_admin):
    owner, thief, venue = uuid4(), uuid4(), uuid4()
    await record(handler, [make.venue_updated(owner, venue)])

    (settlement,) = await handler([Delivery(bought(thief, venue, uuid4()), 1)])

    assert settlement.reason.startswith("VENUE_NOT_FOUND")
    assert await stored.purchases(as_admin, thief) == {}


async def test_a_name_that_no_database_keeps_goes_to_the_dead_letters_with_its_field(handler, as_admin):
    tenant, person, other = uuid4(), uuid4(), uuid4()
    told = [registered(tenant, person, name="Ada\0 Byron"), registered(tenant, other, name="Bea")]

    bad, good = await handler([Delivery(event, 1) for event in told])

    assert (bad.verdict, good) == (Verdict.DEAD, DONE)
    assert bad.reason.startswith("INVALID_FIELD: customerRegistered.profile.name")
    assert [str(other)] == list(await stored.people(as_admin, tenant))
