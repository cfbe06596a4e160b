"""Redis going away and coming back: answers go on, and no invalidation is forgotten."""

import asyncio
import time

import pytest

from deploy.local.ports import free_port
from deploy.local.servers import Valkey
from libs.common.cache.administration import CacheAdministration
from libs.common.errors import DependencyUnavailable
from libs.common.redis import check, connect
from tests.cache.conftest import TTL, Counted, replica


@pytest.fixture
def own_redis(servers_folder):
    server = Valkey(servers_folder / "valkey-outage", port=free_port(), password="secret")
    server.start()
    yield server
    server.stop()


async def test_without_redis_answers_are_computed(own_redis, tenant):
    own_redis.stop()
    compute = Counted()

    async with replica(own_redis.url()) as cache:
        started = time.monotonic()
        for key in "abc":
            await cache.get_or_compute("series", key, TTL, compute)
        assert compute.count == 3
        assert time.monotonic() - started < 3
        redis = connect(own_redis.url())
        with pytest.raises(DependencyUnavailable):
            await check(redis)
        with pytest.raises(DependencyUnavailable):
            await CacheAdministration(redis).statistics(tenant.tenant_id)
        await redis.aclose()


async def test_an_invalidation_during_an_outage_is_made_good(own_redis, tenant):
    compute = Counted()
    async with replica(own_redis.url()) as cache:
        await cache.get_or_compute("series", "a", TTL, compute)
        await asyncio.sleep(1.1)  # the append-only file is written every second
        own_redis.stop()
        await cache.invalidate(["series"])
        assert cache.pending_invalidations == 1
        assert await cache.get_or_compute("series", "a", TTL, compute) == b"answer 2"

        own_redis.start()

        deadline = time.monotonic() + 10
        while cache.pending_invalidations:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)

    async with replica(own_redis.url()) as other:
        assert await other.get_or_compute("series", "a", TTL, compute) != b"answer 1"


async def test_too_many_failed_invalidations_become_one_for_the_tenant(own_redis, tenant):
    compute = Counted()
    async with replica(own_redis.url(), most_pending_invalidations=5) as cache:
        await cache.get_or_compute("series:v1", "a", TTL, compute)
        await asyncio.sleep(1.1)
        own_redis.stop()
        for n in range(20):
            await cache.invalidate([f"series:v{n}"])
        assert cache.pending_invalidations <= 5

        own_redis.start()

        deadline = time.monotonic() + 10
        while cache.pending_invalidations:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
    async with replica(own_redis.url()) as other:
        assert await other.get_or_compute("series:v1", "a", TTL, compute) == b"answer 2"
