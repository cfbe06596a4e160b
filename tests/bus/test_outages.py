"""A broker that is killed, stopped and started: nothing confirmed is lost, nothing is applied twice."""

import asyncio
from uuid import UUID, uuid4

import pytest

from libs.common.bus import outbox
from libs.common.bus.consumer import in_transaction
from libs.common.bus.outbox import OutboxRelay
from libs.common.bus.port import BusUnavailable
from libs.common.context import TenantScope
from tests.bus.events import order_completed
from tests.bus.receiving import RETRY_DELAYS, Received, eventually, running

TYPES = ["order.completed"]


async def test_a_killed_broker_keeps_every_confirmed_event(bus, broker, queue):
    await bus.subscribe(queue, types=TYPES)
    await broker.age_queues()
    confirmed = []

    async def publish_until_it_dies():
        while True:
            event = order_completed()
            await bus.publish([event])
            confirmed.append(event.event_id)

    publishers = [asyncio.create_task(publish_until_it_dies()) for _ in range(20)]
    await eventually(lambda: len(confirmed) > 200)
    await asyncio.to_thread(broker.kill)
    failures = await asyncio.wait_for(asyncio.gather(*publishers, return_exceptions=True), 60)
    await asyncio.to_thread(broker.start)

    assert all(isinstance(failure, BusUnavailable) for failure in failures)
    received = Received()
    async with running(bus.consume(queue, types=TYPES, handler=received, retry_delays=RETRY_DELAYS)):
        await eventually(lambda: set(confirmed) <= set(received.ids))


async def test_publishing_works_again_after_an_outage(bus, broker, queue):
    await bus.subscribe(queue, types=TYPES)
    await broker.age_queues()
    await bus.check()
    await asyncio.to_thread(broker.stop)
    with pytest.raises(BusUnavailable):
        await bus.publish([order_completed()])
    with pytest.raises(BusUnavailable):
        await bus.check()
    await asyncio.to_thread(broker.start)

    await bus.check()
    await bus.publish([order_completed()])


async def test_an_outage_loses_nothing_and_applies_nothing_twice(bus, broker, queue, app, worker):
    """Producers go on through the outage; relay and consumer find the broker again by themselves."""
    tenant = uuid4()
    scope = TenantScope(tenant)
    produced = []

    async def apply(connection, events):
        rows = [(tenant, UUID(event.event_id), "") for event in events]
        await connection.executemany("insert into applied values ($1, $2, $3)", rows)

    async def produce(count):
        for _ in range(count):
            events = [order_completed(tenant_id=str(tenant)) for _ in range(10)]
            async with app.transaction(scope) as connection:
                await outbox.append(connection, events)
            produced.extend(event.event_id for event in events)
            await asyncio.sleep(0.02)

    async def applied():
        async with app.transaction(scope) as connection:
            rows = await connection.fetch("select event_id::text as id from applied")
            return sorted(row["id"] for row in rows)

    async def everything_is_applied():
        return set(await applied()) >= set(produced)

    handler = in_transaction(app, service="tests", queue=queue, apply=apply)
    consumer = bus.consume(queue, types=TYPES, handler=handler, retry_delays=RETRY_DELAYS)
    await bus.subscribe(queue, types=TYPES)
    async with running(consumer), running(OutboxRelay(worker, bus)):
        await produce(20)
        await broker.age_queues()
        producing = asyncio.create_task(produce(100))
        await asyncio.to_thread(broker.kill)
        await asyncio.sleep(3)
        await producing
        await asyncio.to_thread(broker.start)
        await produce(20)
        await eventually(everything_is_applied, within=60)

    assert await applied() == sorted(produced)
    assert len(produced) == 1400
