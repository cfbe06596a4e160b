"""Statistics and flushing, for one tenant, over its own index."""

import asyncio
from uuid import uuid4

import pytest

from libs.common.cache.administration import CacheAdministration, CacheKeyProtected
from libs.common.cache.lifetimes import LIFETIMES, LONGEST
from libs.common.context import acting_as
from tests.cache.conftest import TTL, Counted, caller, replica


async def test_statistics_are_those_of_the_tenant_summed_over_replicas(redis_url, redis, tenant):
    for _ in range(2):
        async with replica(redis_url) as cache:
            for _ in range(3):
                await cache.get_or_compute("series", "a", TTL, Counted(b"12"))
            await cache.invalidate(["series", "aggregate"])
    async with replica(redis_url, service="pricing") as cache:
        await cache.get_or_compute("prices", "a", TTL, Counted())

    services = await CacheAdministration(redis).statistics(tenant.tenant_id)

    assert list(services) == ["metrics", "pricing"]
    metrics = services["metrics"]
    assert (metrics.hits, metrics.misses, metrics.errors, metrics.invalidations) == (4, 2, 0, 4)
    assert metrics.stored_bytes == 2 * len(b"12 1")
    assert metrics.hit_ratio == pytest.approx(4 / 6)
    assert await CacheAdministration(redis).statistics(uuid4()) == {}


@pytest.mark.parametrize(
    ("pattern", "forgotten"),
    [
        ("", {"series:v1", "series:v2", "revenue"}),
        ("metrics:series*", {"series:v1", "series:v2"}),
        ("metrics:series:v1", {"series:v1"}),
        ("*:revenue", {"revenue"}),
        ("metrics:series:v?", set()),
        ("metrics:series:v[12]", set()),
    ],
)
async def test_flushing_forgets_the_matching_namespaces_of_this_tenant(
    cache, redis, tenant, pattern, forgotten
):
    namespaces = ["series:v1", "series:v2", "revenue"]
    stranger = caller()
    for someone in (tenant, stranger):
        with acting_as(someone):
            for namespace in namespaces:
                await cache.get_or_compute(namespace, "a", TTL, Counted(b"old"))

    flushed = await CacheAdministration(redis).flush(tenant.tenant_id, pattern)
    await asyncio.sleep(0.1)

    assert flushed == len(forgotten)
    for someone, gone in ((tenant, forgotten), (stranger, set())):
        with acting_as(someone):
            for namespace in namespaces:
                answer = await cache.get_or_compute(namespace, "a", TTL, Counted(b"new"))
                assert answer == (b"new 1" if namespace in gone else b"old 1")


@pytest.mark.parametrize("pattern", ["counter:*", "session:abc", "realtime", "analytics:x"])
async def test_patterns_for_facts_are_refused(redis, tenant, pattern):
    with pytest.raises(CacheKeyProtected):
        await CacheAdministration(redis).flush(tenant.tenant_id, pattern)


async def test_invalidation_costs_the_same_with_a_hundred_thousand_foreign_keys(cache, redis, tenant):
    pipeline = redis.pipeline(transaction=False)
    for n in range(100_000):
        pipeline.set(f"analytics:{uuid4()}:metrics:cache:{n}", b"x", ex=60)
    await pipeline.execute()
    before = await redis.info("commandstats")

    await cache.get_or_compute("series", "a", TTL, Counted())
    await cache.invalidate(["series"])
    await CacheAdministration(redis).flush(tenant.tenant_id)

    after = await redis.info("commandstats")
    for command in ("cmdstat_scan", "cmdstat_keys"):
        assert after.get(command, {"calls": 0})["calls"] == before.get(command, {"calls": 0})["calls"]


def test_every_lifetime_is_short_and_named_once():
    names = [(lifetime.service, lifetime.namespace) for lifetime in LIFETIMES]

    assert len(set(names)) == len(names)
    assert all(lifetime.ttl <= LONGEST for lifetime in LIFETIMES)
