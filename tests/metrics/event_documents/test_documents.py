"""A show has one document, the same whatever came first, and nothing in it is another tenant's."""

import asyncio
from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest
from pymongo import AsyncMongoClient

from libs.common.bus.port import DONE, Delivery, Verdict
from libs.common.errors import DependencyUnavailable
from services.metrics.event_documents.command import lines
from services.metrics.event_documents.consumer import EventDocuments
from services.metrics.event_documents.documents import MOST_STATEMENTS
from services.metrics.event_documents.store import COLLECTION, EventDocumentStore
from tests.platform import events as make


@pytest.fixture
async def collection(mongo_url):
    client = AsyncMongoClient(mongo_url, tz_aware=True)
    yield client["metrics"][COLLECTION]
    await client.close()


@pytest.fixture
async def store(mongo_url):
    store = EventDocumentStore.connect(mongo_url)
    yield store
    await store.close()


@pytest.fixture
def documents(store):
    return EventDocuments(store)


async def applied(documents, events):
    settlements = await documents.handler()([Delivery(event, 1) for event in events])
    assert all(settlement == DONE for settlement in settlements), settlements


async def found(collection, tenant, show):
    """The document of a show, without what tells how often it was written."""
    (document,) = await collection.find({"tenant_id": str(tenant), "id": str(show)}).to_list()
    return {key: value for key, value in document.items() if key not in ("_id", "tenant_id", "edition")}


def statements(tenant, venue, show, *, updates=12):
    """A show that is created, updated, given two ticket types that change, and cancelled."""
    at = [make.NOON + timedelta(hours=hour) for hour in range(updates + 1)]
    types = [uuid4(), uuid4()]
    return [
        make.event_created(tenant, venue, show, name="Draft", version=9, at=at[0]),
        *(
            make.event_updated(tenant, venue, show, name=f"Name {n}", genre="jazz", version=n, at=at[n])
            for n in range(1, updates + 1)
        ),
        *(
            make.ticket_type_updated(tenant, venue, show, types[n % 2], price=n * 100, version=n, at=at[n])
            for n in range(1, 7)
        ),
        make.event_cancelled(tenant, venue, show, at=at[3]),
        make.event_cancelled(tenant, venue, show, at=at[5]),
    ]


@pytest.mark.parametrize("seed", range(5))
async def test_shuffled_repeated_and_concurrent_arrival_give_one_document(documents, collection, seed):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    told = statements(tenant, venue, show)
    arriving = [*told, *told[::2]]
    Random(seed).shuffle(arriving)

    await asyncio.gather(*(applied(documents, arriving[part::4]) for part in range(4)))

    document = await found(collection, tenant, show)
    assert document["show"]["name"] == "Name 12"
    assert document["show"]["genre"] == "jazz"
    assert document["cancelled_microseconds"] == int((make.NOON + timedelta(hours=5)).timestamp() * 10**6)
    prices = sorted(one["price"]["amountMinor"] for one in document["ticket_types"].values())
    assert prices == ["500", "600"]
    by_time = sorted(told, key=lambda one: (one.occurred_at.ToMicroseconds(), one.event_id))
    assert [one["event_id"] for one in document["statements"]] == [one.event_id for one in by_time]


async def test_the_order_of_arrival_leaves_no_trace(documents, collection):
    tenants, venue, show = (uuid4(), uuid4()), uuid4(), uuid4()
    told = statements(tenants[0], venue, show)
    again = [type(one).FromString(one.SerializeToString()) for one in told]
    for one in again:
        one.tenant_id = str(tenants[1])

    await applied(documents, told)
    for one in reversed(again):
        await applied(documents, [one])

    assert await found(collection, tenants[0], show) == await found(collection, tenants[1], show)


async def test_applying_again_writes_nothing(documents, collection):
    tenant, show = uuid4(), uuid4()
    told = statements(tenant, uuid4(), show)
    await applied(documents, told)
    (before,) = await collection.find({"id": str(show)}).to_list()

    await applied(documents, told)

    assert await collection.find({"id": str(show)}).to_list() == [before]


async def test_the_history_keeps_the_newest_whatever_came_first(documents, collection):
    tenant, show = uuid4(), uuid4()
    told = statements(tenant, uuid4(), show, updates=MOST_STATEMENTS + 30)
    newest = sorted(told, key=lambda one: (one.occurred_at.ToMicroseconds(), one.event_id))[-MOST_STATEMENTS:]
    arriving = [*told, *told[:40]]
    Random(7).shuffle(arriving)

    for start in range(0, len(arriving), 60):
        await applied(documents, arriving[start : start + 60])

    document = await found(collection, tenant, show)
    assert [one["event_id"] for one in document["statements"]] == [one.event_id for one in newest]
    assert document["cancelled_microseconds"] is not None
    assert len(document["ticket_types"]) == 2


async def test_tenants_with_one_show_id_have_documents_of_their_own(documents, collection):
    tenants, show = (uuid4(), uuid4()), uuid4()

    events = [make.event_created(tenant, uuid4(), show, name=str(tenant)) for tenant in tenants]
    await applied(documents, events)

    for tenant in tenants:
        assert (await found(collection, tenant, show))["show"]["name"] == str(tenant)


async def test_an_unfit_event_is_dead_and_the_others_are_merged(documents, collection):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    good, bad = (make.event_created(tenant, venue, show, name="Good") for _ in range(2))
    bad.venue_id = ""

    settlements = await documents.handler()([Delivery(event, 1) for event in (bad, good)])

    assert [one.verdict for one in settlements] == [Verdict.DEAD, Verdict.DONE]
    assert len((await found(collection, tenant, show))["statements"]) == 1


async def test_indexes_are_ensured_again(store, collection):
    await store.ensure()
    await store.ensure()

    assert "show" in await collection.index_information()


async def test_while_mongodb_is_away_events_wait_and_are_merged_afterwards(
    mongo_server, documents, collection
):
    tenant, show = uuid4(), uuid4()
    event = make.event_created(tenant, uuid4(), show)
    await asyncio.to_thread(mongo_server.stop)
    try:
        with pytest.raises(DependencyUnavailable):
            await documents.handler()([Delivery(event, 1)])
    finally:
        await asyncio.to_thread(mongo_server.start)

    await applied(documents, [event])

    assert len((await found(collection, tenant, show))["statements"]) == 1


async def test_a_history_tells_what_each_statement_changed(documents, collection):
    tenant, venue, show = uuid4(), uuid4(), uuid4()
    await applied(
        documents,
        [
            make.event_updated(tenant, venue, show, name="New", version=1, at=make.NOON + timedelta(hours=1)),
            make.event_created(tenant, venue, show, name="Old", genre="jazz"),
            make.event_cancelled(tenant, venue, show, at=make.NOON + timedelta(hours=2)),
        ],
    )

    printed = lines(await found(collection, tenant, show))

    assert printed[0].endswith(": New")
    assert printed[1] == "cancelled 2026-03-01T14:00:00+00:00"
    assert printed[2] == "0 ticket types, 3 statements"
    assert "event.created" in printed[3]
    assert '"name": "Old"' in printed[3]
    assert printed[4].endswith('{"name": "New", "genre": null}')
    assert "event.cancelled" in printed[5]
