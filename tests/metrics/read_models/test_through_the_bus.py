"""From publishing over a real broker into the read models and the raw events, outages included."""

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from pymongo import AsyncMongoClient
from tickettoken.events.v1.envelope_pb2 import Event

from deploy.local.servers import Valkey
from libs.common.buckets import Window
from libs.common.bus import open_bus
from libs.common.bus.outbox import OutboxRelay
from libs.common.bus.relaying import SubscribedRelay
from libs.common.context import TenantScope
from services.metrics.ingest.publisher import Publisher
from services.metrics.raw_events import consumer as raw_events_queue
from services.metrics.raw_events.store import COLLECTION, RawEventStore
from services.metrics.read_models import consumer as read_models_queue
from services.metrics.revenue.summary import Revenue
from services.metrics.sales.reader import SalesReader
from tests.metrics.erased import NobodyErased
from tests.metrics.platform import oracle
from tests.platform.events import NOON
from tests.platform.season import season


@pytest.fixture(params=["rabbitmq", "redis_server"])
def broker(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
async def bus(broker):
    opened = open_bus(broker.url() if isinstance(broker, Valkey) else broker.url)
    yield opened
    await opened.close()


@pytest.fixture
async def raw_store(mongo_url):
    store = RawEventStore.connect(mongo_url, kept=timedelta(days=400))
    yield store
    await store.close()


@asynccontextmanager
async def running(*works):
    """Works with run() and stop(), in the background."""
    tasks = [asyncio.create_task(work.run()) for work in works]
    yield
    for work in works:
        work.stop()
    await asyncio.wait_for(asyncio.gather(*tasks), 30)


async def eventually(condition, within=60):
    deadline = time.monotonic() + within
    while not await condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.1)


@pytest.fixture
def relay(worker_database, bus):
    return OutboxRelay(worker_database, bus)


@pytest.fixture
def works(bus, relay, read_models, raw_store):
    queues = {module.QUEUE: module.TYPES for module in (read_models_queue, raw_events_queue)}
    return (
        SubscribedRelay(bus, relay, queues),
        read_models.consumer(bus),
        raw_events_queue.RawEvents(raw_store, NobodyErased()).consumer(bus),
    )


async def test_a_broker_outage_loses_nothing_and_counts_nothing_twice(
    broker, relay, works, database, venues, mongo_url
):
    made = season(77, orders=120)
    arrivals = made.arrivals(3, again=0)
    scope = TenantScope(made.tenant_id)
    publisher = Publisher(database, venues, relay)

    async def publish(events):
        for start in range(0, len(events), 10):
            sent = [Event.FromString(event.SerializeToString()) for event in events[start : start + 10]]
            verdicts = await publisher.publish(scope, sent)
            assert not verdicts.refusals
            await asyncio.sleep(0.01)

    async def totals():
        window = Window(NOON - timedelta(hours=1), NOON + timedelta(days=1))
        summary = await Revenue(SalesReader(database), venues).summary(scope, window, None)
        return {
            one.currency: (
                one.order_count,
                one.ticket_count,
                one.gross_minor,
                one.refund_minor,
                one.fee_minor,
            )
            for one in summary.current
        }

    async def all_applied():
        return await totals() == expected

    async def all_kept():
        return await collection.count_documents({"tenant_id": str(made.tenant_id)}) == len(arrivals)

    expected = oracle.revenue(made.log, NOON - timedelta(hours=1), NOON + timedelta(days=1), made.venues)
    third = len(arrivals) // 3
    client = AsyncMongoClient(mongo_url)
    collection = client["metrics"][COLLECTION]
    async with running(*works):
        await publish(arrivals[:third])
        await asyncio.to_thread(broker.stop)
        try:
            await publish(arrivals[third : 2 * third])
        finally:
            await asyncio.to_thread(broker.start)
        await publish(arrivals[2 * third :])
        await publish(arrivals[:third])
        await eventually(all_applied)
        await eventually(all_kept)
    await client.close()

    assert await totals() == expected


async def test_read_models_do_not_wait_for_mongodb(mongo_server, relay, works, database, venues):
    made = season(78, orders=20)
    scope = TenantScope(made.tenant_id)
    window = Window(NOON, NOON + timedelta(days=1))
    expected = oracle.revenue(made.log, window.start, window.end, made.venues)

    async def orders():
        summary = await Revenue(SalesReader(database), venues).summary(scope, window, None)
        return {figures.currency: figures.order_count for figures in summary.current}

    async def all_applied():
        return await orders() == {currency: figures[0] for currency, figures in expected.items()}

    await asyncio.to_thread(mongo_server.stop)
    try:
        async with running(*works):
            await Publisher(database, venues, relay).publish(scope, made.log)
            await eventually(all_applied)
    finally:
        await asyncio.to_thread(mongo_server.start)
