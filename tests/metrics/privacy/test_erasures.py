"""What metrics does to forget a person: orders and raw events, once and for good, and a confirmation."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from pymongo import AsyncMongoClient
from tickettoken.events.v1 import customers_pb2
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.consumer import repeatable, service_caller
from libs.common.bus.port import DONE, Delivery
from libs.common.context import TenantScope, acting_as
from libs.common.erasure.tombstones import Hiding
from libs.common.postgres.database import Database
from services.metrics.privacy.consumer import Erasures
from services.metrics.raw_events.consumer import RawEvents
from services.metrics.raw_events.documents import document_of
from services.metrics.raw_events.people import rename_person
from services.metrics.raw_events.store import COLLECTION, RawEventStore
from tests.customers.privacy.person import World
from tests.metrics.erased import TOMBSTONES

KEPT = timedelta(days=400)


@pytest.fixture(scope="module")
async def metrics_service(postgres_server):
    """A database of this module's own: no relay takes what is in its outbox away."""
    service = await postgres_server.create_database("metrics", migrated=True)
    yield service
    await postgres_server.drop_database(service)


@pytest.fixture(scope="module")
async def database(metrics_service):
    database = Database.connect(metrics_service.app_url, application_name="tests", pool_size=4)
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def worker_database(metrics_service):
    database = Database.connect(metrics_service.worker_url, application_name="tests", pool_size=4)
    yield database
    await database.close()


@pytest.fixture
async def collection(mongo_url):
    client = AsyncMongoClient(mongo_url, tz_aware=True)
    yield client["metrics"][COLLECTION]
    await client.close()


@pytest.fixture
async def store(mongo_url):
    store = RawEventStore.connect(mongo_url, kept=KEPT)
    await store.ensure()
    yield store
    await store.close()


@pytest.fixture
def raw(database, store):
    return repeatable(service="metrics", apply=RawEvents(store, Hiding(database, TOMBSTONES)).apply)


@pytest.fixture
def forget(database, store):
    async def rename(customer_id, pseudonym):
        return await rename_person(store, customer_id, pseudonym)

    return repeatable(service="metrics", apply=Erasures(database, TOMBSTONES, rename).apply)


async def done(handler, events):
    settlements = await handler([Delivery(event, 1) for event in events])
    assert all(settlement == DONE for settlement in settlements), settlements


def erased_event(world, *, pseudonym=None, erasure_id=None):
    person = str(world.person.customer_id)
    stated = customers_pb2.CustomerErased(
        customer_id=person, erasure_id=str(erasure_id or uuid4()), pseudonym=str(pseudonym or uuid4())
    )
    event = Event(
        event_id=str(uuid4()),
        type="customer.erased",
        tenant_id=str(world.tenant),
        entity_id=person,
        producer="customers",
        customer_erased=stated,
    )
    event.occurred_at.GetCurrentTime()
    return event


async def confirmations(as_admin, tenant):
    rows = await as_admin.fetch("select content from outbox where tenant_id = $1 order by id", tenant)
    return [Event.FromString(row["content"]).customer_erasure_confirmed for row in rows]


async def test_orders_and_raw_events_change_hands_and_the_service_confirms(
    handler, raw, forget, collection, as_admin
):
    world, pseudonym = World(), uuid4()
    fit = [event for event in world.events() if event.venue_id]
    await done(handler, [event for event in fit if event.type.startswith(("venue", "event", "order"))])
    await done(raw, world.events())
    event = erased_event(world, pseudonym=pseudonym)

    await done(raw, [event])
    await done(forget, [event])

    owners = await as_admin.fetch(
        "select customer_id, count(*) from orders where tenant_id = $1 group by 1", world.tenant
    )
    assert dict(map(tuple, owners)) == {pseudonym: 3, world.other.customer_id: 1}
    kept = str(await collection.find({"tenant_id": str(world.tenant)}).to_list()).lower()
    assert not any(needle in kept for needle in world.person.needles)
    (confirmed,) = await confirmations(as_admin, world.tenant)
    assert confirmed.erasure_id == event.customer_erased.erasure_id
    assert confirmed.service == "metrics"
    assert confirmed.touched_counts["orders"] == 3
    assert confirmed.touched_counts["raw_analytics"] >= 13


async def test_forgetting_again_changes_nothing_and_confirms_the_same(handler, forget, as_admin):
    world = World()
    await done(handler, [world.order(world.person)])
    event = erased_event(world)

    await done(forget, [event])
    await done(forget, [event])

    first, again = await confirmations(as_admin, world.tenant)
    assert first == again
    assert dict(first.touched_counts) == {"orders": 1, "raw_analytics": 0}


async def test_events_after_it_are_kept_under_the_pseudonym(handler, raw, forget, collection, as_admin):
    world, pseudonym = World(), uuid4()
    await done(forget, [erased_event(world, pseudonym=pseudonym)])

    late = [
        world.order(world.person),
        *world.visit(world.person.customer_id),
        world.person.registered(world.tenant),
    ]
    await done(handler, [event for event in late if not event.type.startswith("customer")])
    await done(raw, late)

    owner = await as_admin.fetchval("select customer_id from orders where tenant_id = $1", world.tenant)
    documents = await collection.find({"tenant_id": str(world.tenant)}).to_list()
    assert owner == pseudonym
    assert sorted(document["type"] for document in documents) == [
        "cart.updated",
        "checkout.started",
        "order.completed",
        "page.viewed",
    ]
    assert {person for document in documents for person in document["people"]} == {str(pseudonym)}


async def test_documents_of_before_people_were_told_are_found_too(store, forget, collection):
    world = World()
    with acting_as(service_caller("metrics", world.tenant)):
        documents = [document_of(event, event.occurred_at.ToDatetime()) for event in world.events()]
        await store.put([{k: v for k, v in one.items() if k != "people"} for one in documents])

    await done(forget, [erased_event(world)])

    kept = str(await collection.find({"tenant_id": str(world.tenant)}).to_list()).lower()
    assert str(world.other.customer_id) in kept
    assert not any(needle in kept for needle in world.person.needles)


async def test_another_tenants_customer_of_the_same_id_stays(handler, forget, as_admin):
    world = World()
    neighbour = World(person=world.person)
    await done(handler, [world.order(world.person)])
    await done(handler, [neighbour.order(world.person)])

    await done(forget, [erased_event(world)])

    owner = await as_admin.fetchval("select customer_id from orders where tenant_id = $1", neighbour.tenant)
    assert owner == world.person.customer_id


async def test_a_burial_waits_for_writers_and_later_ones_see_it(database):
    tenant, person, pseudonym = uuid4(), uuid4(), uuid4()
    scope, event = TenantScope(tenant), World(tenant=tenant)
    event = event.order(World().person)
    event.order_completed.customer_id = str(person)
    order = []

    async def bury():
        async with database.transaction(scope) as conn:
            await TOMBSTONES.bury(conn, tenant, person, pseudonym)
        order.append("buried")

    async with database.transaction(scope) as conn:
        (before,) = await TOMBSTONES.hide(conn, tenant, [event])
        burial = asyncio.create_task(bury())
        for _ in range(20):
            await conn.fetchval("select 1")
        order.append("written")
    await burial
    async with database.transaction(scope) as conn:
        (after,) = await TOMBSTONES.hide(conn, tenant, [event])

    assert order == ["written", "buried"]
    assert UUID(before.order_completed.customer_id) == person
    assert UUID(after.order_completed.customer_id) == pseudonym
