"""Counters over gRPC: durable through a Redis flush and a kill, and refused as documented."""

import asyncio
import secrets
import time
from uuid import uuid4

import grpc
import pytest
from tickettoken.metrics.v1 import counters_pb2

from deploy.local.ports import free_port
from deploy.local.servers import Valkey
from libs.common.redis import connect
from tests.metrics.process import MetricsProcess
from tests.metrics.serving import bad_fields, refused


async def add(client, venue, increment=None, *, counter="people_inside", key=None):
    request = counters_pb2.IncrementCounterRequest(
        venue_id=str(venue), counter_type=counter, increment=increment
    )
    metadata = client.metadata if key is None else client.with_key(key)
    return await client.realtime.IncrementCounter(request, metadata=metadata)


async def value_of(client, venue, *, counter="people_inside"):
    request = counters_pb2.GetCounterRequest(venue_id=str(venue), counter_type=counter)
    return await client.realtime.GetCounter(request, metadata=client.metadata)


@pytest.fixture
async def client(metrics_process):
    async with metrics_process.client(uuid4()) as client:
        yield client


async def test_a_counter_is_read_as_it_was_left(client):
    venue = uuid4()

    first = await add(client, venue)
    second = await add(client, venue, -5)
    unchanged = await add(client, venue, 0)
    read = await value_of(client, venue)
    other = await value_of(client, venue, counter="cars")

    assert [answer.value for answer in (first, second, unchanged, read)] == [1, -4, -4, -4]
    assert first.updated_time.ToNanoseconds() <= second.updated_time.ToNanoseconds()
    assert read.updated_time == unchanged.updated_time == second.updated_time
    assert (other.value, other.HasField("updated_time"), other.counter_type) == (0, False, "cars")


async def test_a_repeated_call_has_one_effect_and_one_answer(client):
    venue = uuid4()
    await add(client, venue)

    calls = [add(client, venue, 10, key="once") for _ in range(12)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    again = await add(client, venue, 10, key="once")

    answered = [outcome for outcome in outcomes if not isinstance(outcome, grpc.aio.AioRpcError)]
    in_flight = [outcome for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)]
    assert answered
    assert all(answer == again for answer in answered)
    assert all(error.code() is grpc.StatusCode.ABORTED for error in in_flight)
    assert (await value_of(client, venue)).value == 11
    assert await refused(add(client, venue, 11, key="once")) == ("INVALID_ARGUMENT", "IDEMPOTENCY_KEY_REUSED")


async def test_each_refusal_has_its_reason(client, as_admin):
    venue = uuid4()
    await add(client, venue)
    await as_admin.execute("update counters set value = -2147483648 where venue_id = $1", venue)

    assert await refused(add(client, venue, -1)) == ("OUT_OF_RANGE", "COUNTER_OVERFLOW")
    assert await refused(value_of(client, uuid4())) == ("NOT_FOUND", "VENUE_NOT_FOUND")
    assert await refused(add(client, uuid4(), 0)) == ("NOT_FOUND", "VENUE_NOT_FOUND")
    assert await bad_fields(add(client, venue, 1_000_001)) == ["increment"]
    assert await bad_fields(add(client, venue, counter="People")) == ["counterType"]
    assert await bad_fields(add(client, "hall")) == ["venueId"]
    assert await bad_fields(value_of(client, "hall", counter="")) == ["venueId", "counterType"]
    assert (await value_of(client, venue)).value == -(2**31)


async def test_other_tenants_and_other_grants_find_no_counter(metrics_process, client):
    venue = uuid4()
    await add(client, venue)

    async with (
        metrics_process.client(uuid4()) as stranger,
        metrics_process.client(client.tenant_id, venue_ids=[uuid4()]) as elsewhere,
        metrics_process.client(client.tenant_id, permissions=["analytics.read"]) as reader,
    ):
        outside = [
            await refused(call(each, venue)) for call in (add, value_of) for each in (stranger, elsewhere)
        ]
        forbidden, _ = await refused(add(reader, venue))

    assert outside == [("NOT_FOUND", "VENUE_NOT_FOUND")] * 4
    assert forbidden == "PERMISSION_DENIED"
    assert (await value_of(client, venue)).value == 1


async def test_acknowledged_increments_survive_a_redis_flush_and_a_kill(
    metrics_service, mongo_url, tmp_path, servers_folder
):
    """Every acknowledged call counts once, every other one at most once until it is repeated."""
    tenant, venue = uuid4(), uuid4()
    redis = Valkey(servers_folder / f"valkey-{uuid4()}", port=free_port(), password=secrets.token_urlsafe(24))
    redis.start()
    stores = {"redis_url": redis.url(), "mongo_url": mongo_url, "command": "serve"}
    replica = MetricsProcess(tmp_path, metrics_service, **stores).start()
    acknowledged: set[str] = set()
    unanswered: set[str] = set()

    async def worker(client):
        while replica_is_up.is_set():
            key = str(uuid4())
            try:
                await add(client, venue, 3, key=key)
                acknowledged.add(key)
            except grpc.aio.AioRpcError:
                unanswered.add(key)

    replica_is_up = asyncio.Event()
    replica_is_up.set()
    try:
        async with replica.client(tenant) as client:
            workers = [asyncio.ensure_future(worker(client)) for _ in range(16)]
            await until(acknowledged, 100)
            flusher = connect(redis.url())
            await flusher.flushall()
            await flusher.aclose()
            await until(acknowledged, 300)
            replica.kill()
            replica_is_up.clear()
            await asyncio.gather(*workers)
        again = MetricsProcess(tmp_path, metrics_service, **stores).start()
        try:
            async with again.client(tenant) as client:
                survived = (await value_of(client, venue)).value
                for key in unanswered:
                    await add(client, venue, 3, key=key)
                whole = (await value_of(client, venue)).value
        finally:
            again.stop()
    finally:
        redis.stop()

    assert 3 * len(acknowledged) <= survived <= 3 * (len(acknowledged) + len(unanswered))
    assert whole == 3 * (len(acknowledged) + len(unanswered))


async def until(acknowledged, count, within_seconds=30):
    give_up_at = time.monotonic() + within_seconds
    while len(acknowledged) < count:
        assert time.monotonic() < give_up_at
        await asyncio.sleep(0.01)
