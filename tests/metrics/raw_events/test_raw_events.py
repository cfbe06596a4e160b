"""Every event is kept once as it came, for as long as configured; while MongoDB is away events wait."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from pymongo import AsyncMongoClient

from libs.common.bus.consumer import repeatable, service_caller
from libs.common.bus.port import DONE, Delivery, Verdict
from libs.common.context import acting_as
from libs.common.errors import DependencyUnavailable
from services.metrics.raw_events.consumer import RawEvents
from services.metrics.raw_events.store import COLLECTION, RawEventStore
from tests.metrics.erased import NobodyErased
from tests.platform import events as make

KEPT = timedelta(days=400)


@pytest.fixture
async def collection(mongo_url):
    client = AsyncMongoClient(mongo_url, tz_aware=True)
    yield client["metrics"][COLLECTION]
    await client.close()


@pytest.fixture
async def store(mongo_url):
    store = RawEventStore.connect(mongo_url, kept=KEPT)
    yield store
    await store.close()


@pytest.fixture
def handler(store):
    return repeatable(service="metrics", apply=RawEvents(store, NobodyErased()).apply)


async def handled(handler, *events):
    return await handler([Delivery(event, 1) for event in events])


async def test_an_event_is_kept_as_it_came(handler, collection):
    tenant, venue, order = uuid4(), uuid4(), uuid4()
    event = make.order_completed(tenant, venue, order, lines=[(2, 1_250)], fees=30, version=3)

    assert await handled(handler, event) == [DONE]

    (document,) = await collection.find({"tenant_id": str(tenant)}).to_list()
    assert document["occurred_at"] == make.NOON
    assert (document["type"], document["version"], document["venue_id"]) == ("order.completed", 3, str(venue))
    assert document["payload"]["orderId"] == str(order)
    assert document["payload"]["lines"] == [{"quantity": 2, "unitPriceMinor": "1250"}]
    assert document["payload"]["fees"] == {"amountMinor": "30", "currency": "EUR"}


async def test_repeated_batches_keep_each_event_once_and_do_not_touch_it(store, collection):
    tenant = uuid4()
    early, late = (datetime(2026, 5, day, tzinfo=UTC) for day in (1, 2))
    events = [make.order_completed(tenant, uuid4()) for _ in range(20)]

    with acting_as(service_caller("metrics", tenant)):
        await RawEvents(store, NobodyErased(), now=lambda: early).apply(events[:15])
        await RawEvents(store, NobodyErased(), now=lambda: late).apply(events)

    kept = await collection.find({"tenant_id": str(tenant)}).to_list()
    assert sorted(document["id"] for document in kept) == sorted(event.event_id for event in events)
    assert sorted(document["stored_at"] for document in kept) == [early] * 15 + [late] * 5


async def test_two_tenants_events_with_one_id_are_both_kept(handler, collection):
    event_id = uuid4()

    await handled(handler, *(make.order_completed(uuid4(), uuid4(), event_id=event_id) for _ in range(2)))

    assert await collection.count_documents({"id": str(event_id)}) == 2


async def test_indexes_are_ensured_again_and_follow_the_retention(mongo_url, store, collection):
    await store.ensure()
    await store.ensure()
    assert (await collection.index_information())["expiry"]["expireAfterSeconds"] == 400 * 86_400

    shorter = RawEventStore.connect(mongo_url, kept=timedelta(days=30))
    await shorter.ensure()
    changed = (await collection.index_information())["expiry"]["expireAfterSeconds"]
    await store.ensure()
    await shorter.close()

    assert changed == 30 * 86_400


async def test_an_unfit_event_is_dead_and_the_others_are_kept(handler, collection):
    tenant = uuid4()
    good, bad = make.order_completed(tenant, uuid4()), make.order_completed(tenant, uuid4())
    bad.occurred_at.seconds = 10**15

    settlements = await handled(handler, bad, good)

    assert [settlement.verdict for settlement in settlements] == [Verdict.DEAD, Verdict.DONE]
    assert await collection.count_documents({"tenant_id": str(tenant)}) == 1


async def test_while_mongodb_is_away_events_wait_and_are_kept_afterwards(mongo_server, handler, collection):
    tenant = uuid4()
    event = make.order_completed(tenant, uuid4())
    await asyncio.to_thread(mongo_server.stop)
    try:
        with pytest.raises(DependencyUnavailable):
            await handled(handler, event)
    finally:
        await asyncio.to_thread(mongo_server.start)

    assert await handled(handler, event) == [DONE]
    assert await collection.count_documents({"tenant_id": str(tenant)}) == 1
