"""Cached answers: whom they are for, when they end, and that they are never needed."""

import asyncio
import time
from datetime import timedelta
from uuid import uuid4

import pytest

from libs.common.cache.cache import Question
from libs.common.cache.keys import Place
from libs.common.cache.local import LocalAnswers
from libs.common.context import acting_as
from tests.cache.conftest import TTL, Counted, caller, replica


async def until(condition, seconds=5):
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.01)


async def test_the_second_reader_gets_the_first_ones_answer_on_any_replica(cache, other_replica, tenant):
    compute = Counted()

    assert await cache.get_or_compute("series", "a", TTL, compute) == b"answer 1"
    assert await cache.get_or_compute("series", "a", TTL, compute) == b"answer 1"
    assert await other_replica.get_or_compute("series", "a", TTL, compute) == b"answer 1"
    assert await cache.get_or_compute("series", "b", TTL, compute) == b"answer 2"


async def test_tenants_and_venue_grants_have_answers_of_their_own(cache):
    tenant_id, venue = uuid4(), uuid4()
    compute = Counted()
    callers = [
        caller(tenant_id),
        caller(uuid4()),
        caller(tenant_id, frozenset({venue})),
        caller(tenant_id, frozenset({venue, uuid4()})),
        caller(tenant_id, frozenset()),
    ]

    answers = []
    for _ in range(2):
        for someone in callers:
            with acting_as(someone):
                answers.append(await cache.get_or_compute("series", "a", TTL, compute))

    assert len(set(answers)) == len(callers)
    assert answers[: len(callers)] == answers[len(callers) :]


async def test_without_a_caller_nothing_is_cached(cache):
    with pytest.raises(LookupError):
        await cache.get_or_compute("series", "a", TTL, Counted())


async def test_an_invalidation_reaches_every_replica(cache, other_replica, tenant):
    compute = Counted()
    for one in (cache, other_replica):
        await one.get_or_compute("series:v1", "a", TTL, compute)
        await one.get_or_compute("series:v2", "a", TTL, compute)
    assert compute.count == 2

    await cache.invalidate(["series:v1"])

    assert await cache.get_or_compute("series:v1", "a", TTL, compute) == b"answer 3"

    async def other_sees_it():
        return await other_replica.get_or_compute("series:v1", "a", TTL, compute) == b"answer 3"

    started = time.monotonic()
    await until(other_sees_it, seconds=0.8)  # sooner than the in-process layer's own age
    assert time.monotonic() - started < 0.8
    assert await cache.get_or_compute("series:v2", "a", TTL, compute) == b"answer 2"


async def test_an_invalidation_of_one_tenant_leaves_the_others(cache):
    ours, theirs = caller(), caller()
    compute = Counted()
    with acting_as(ours):
        await cache.get_or_compute("series", "a", TTL, compute)
    with acting_as(theirs):
        await cache.invalidate(["series"])
    with acting_as(ours):
        assert await cache.get_or_compute("series", "a", TTL, compute) == b"answer 1"


async def test_an_answer_computed_before_an_invalidation_is_not_kept(cache, other_replica, tenant):
    reading, write_done = asyncio.Event(), asyncio.Event()

    async def slow():
        reading.set()
        await write_done.wait()
        return b"read before the write"

    async def fresh():
        return b"read after the write"

    early = asyncio.create_task(cache.get_or_compute("series", "a", TTL, slow))
    await reading.wait()
    await cache.invalidate(["series"])
    late = asyncio.create_task(cache.get_or_compute("series", "a", TTL, fresh))
    write_done.set()

    assert await early == b"read before the write"
    assert await late == b"read after the write"
    for one in (cache, other_replica):
        assert await one.get_or_compute("series", "a", TTL, fresh) == b"read after the write"


async def test_concurrent_readers_compute_once_across_replicas(cache, other_replica, tenant):
    count = 0

    async def slow():
        nonlocal count
        count += 1
        await asyncio.sleep(0.2)
        return b"slow answer"

    answers = await asyncio.gather(
        *(one.get_or_compute("series", "a", TTL, slow) for one in (cache, other_replica) for _ in range(50))
    )

    assert set(answers) == {b"slow answer"}
    assert count == 1


async def test_a_failing_computation_reaches_every_waiter_and_is_not_cached(cache, tenant):
    count = 0

    async def failing():
        nonlocal count
        count += 1
        await asyncio.sleep(0.05)
        raise ZeroDivisionError

    outcomes = await asyncio.gather(
        *(cache.get_or_compute("series", "a", TTL, failing) for _ in range(5)), return_exceptions=True
    )

    assert [type(outcome) for outcome in outcomes] == [ZeroDivisionError] * 5
    assert count == 1
    assert await cache.get_or_compute("series", "a", TTL, Counted()) == b"answer 1"


async def test_when_the_computing_caller_leaves_a_waiter_takes_over(cache, tenant):
    started = asyncio.Event()

    async def stuck():
        started.set()
        await asyncio.sleep(30)
        return b"never"

    leaver = asyncio.create_task(cache.get_or_compute("series", "a", TTL, stuck))
    await started.wait()
    waiters = [asyncio.create_task(cache.get_or_compute("series", "a", TTL, Counted())) for _ in range(3)]
    await asyncio.sleep(0)
    leaver.cancel()

    assert await asyncio.gather(*waiters) == [b"answer 1"] * 3


async def test_a_replica_that_died_while_computing_holds_up_nobody_for_long(redis_url, redis, tenant):
    async with replica(redis_url, lock_seconds=0.3) as cache:
        name = Place(tenant.tenant_id, "metrics", "series").value("a", tenant.scope)
        await redis.set(f"{name}:lock", b"dead", px=300)

        assert await cache.get_or_compute("series", "a", TTL, Counted()) == b"answer 1"


async def test_answers_end_with_their_time_to_live(cache, other_replica, tenant):
    compute = Counted()
    short = timedelta(milliseconds=80)
    await cache.get_or_compute("series", "a", short, compute)

    async def computed_again():
        return await cache.get_or_compute("series", "a", short, compute) == b"answer 2"

    await until(computed_again)


async def test_a_forged_or_moved_value_is_not_believed(redis_url, redis, tenant):
    name_a, name_b = (Place(tenant.tenant_id, "metrics", "series").value(key, tenant.scope) for key in "ab")
    async with replica(redis_url) as cache:
        await cache.get_or_compute("series", "a", TTL, Counted(b"truth"))
        value = await redis.get(name_a)

    for forged in (value[:-1] + b"!", b"\x80\x04pickle", b"", value[16:]):
        await redis.set(name_a, forged)
        async with replica(redis_url) as cache:
            assert await cache.get_or_compute("series", "a", TTL, Counted(b"new")) == b"new 1"
    await redis.set(name_b, value)
    async with replica(redis_url) as cache:
        assert await cache.get_or_compute("series", "b", TTL, Counted(b"new")) == b"new 1"
    await redis.set(name_a, value)
    async with replica(redis_url, key=b"x" * 32) as cache:
        assert await cache.get_or_compute("series", "a", TTL, Counted(b"new")) == b"new 1"


async def test_keys_belong_to_the_tenant_and_expire(cache, redis, tenant):
    await cache.get_or_compute("series:v1", "a", TTL, Counted())
    await cache.invalidate(["series:v1"])

    names = [name async for name in redis.scan_iter(match=f"*{tenant.tenant_id}*")]

    assert names
    for name in names:
        assert name.decode().startswith(f"analytics:{tenant.tenant_id}:")
        if (b":cache:" in name and b"namespaces" not in name) or b":version:" in name:
            assert await redis.ttl(name) > 0


async def test_warming_computes_what_is_missing(cache, tenant):
    compute = Counted()
    await cache.get_or_compute("series", "0", TTL, compute)

    assert await cache.warm(Question("series", str(n), TTL, compute) for n in range(5)) == 5

    assert compute.count == 5


async def test_a_namespace_that_is_no_name_is_a_mistake(cache, tenant):
    for namespace in ("", "*", "a b", "A", "a:*", "x" * 3 + "\n"):
        with pytest.raises(ValueError, match="namespace"):
            await cache.get_or_compute(namespace, "a", TTL, Counted())


def test_the_local_layer_stays_within_its_bytes():
    local = LocalAnswers(max_bytes=100_000, max_places=10)
    place = Place(uuid4(), "metrics", "series")

    for n in range(1000):
        local.put(f"key {n}", place, b"x" * 1000, local.generation(place), 60)
    local.put("huge", place, b"x" * 50_000, local.generation(place), 60)

    assert local.size_bytes <= 100_000
    assert local.get("key 999", place) == b"x" * 1000
    assert local.get("key 0", place) is None
    assert local.get("huge", place) is None


def test_the_local_layer_forgets_invalidations_only_on_the_safe_side():
    local = LocalAnswers(max_places=3)
    place = Place(uuid4(), "metrics", "series")
    early = local.generation(place)
    local.invalidate(place.tenant_id, "series")

    for _ in range(10):
        local.invalidate(uuid4(), "series")
    local.put("late", place, b"stale", early, 60)

    assert local.get("late", place) is None


def test_the_local_layer_keeps_nothing_beyond_its_age():
    local = LocalAnswers(max_age_seconds=0.01)
    place = Place(uuid4(), "metrics", "series")
    local.put("a", place, b"x", local.generation(place), 60)
    time.sleep(0.02)

    assert local.get("a", place) is None
    assert local.size_bytes == 0
