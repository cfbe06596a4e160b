"""Cache statistics and flushing, for the tenant of the token and no other."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest_asyncio

from libs.common import redis
from libs.common.cache.cache import Cache
from libs.common.context import Caller, TenantScope, acting_as
from tests.gateway.front import Front, error_of


def _caller(tenant_id: UUID) -> Caller:
    expires = datetime.now(UTC) + timedelta(minutes=5)
    return Caller("user-1", TenantScope(tenant_id), frozenset(), expires, "token")


@pytest_asyncio.fixture
async def cache(redis_url):
    client = redis.connect(redis_url)
    cache = Cache(client, service="metrics", key=b"k" * 32)
    yield cache
    await cache.close()
    await client.aclose()


async def _ask(cache: Cache, tenant_id: UUID, namespace: str, answer: bytes) -> bytes:
    async def compute() -> bytes:
        return answer

    with acting_as(_caller(tenant_id)):
        return await cache.get_or_compute(namespace, "question", timedelta(minutes=1), compute)


async def test_statistics_are_the_tenants_own(front: Front, anonymous, cache):
    mine, other = uuid4(), uuid4()
    await cache.start()
    await _ask(cache, mine, "series", b"1")
    await _ask(cache, mine, "series", b"2")
    await _ask(cache, other, "series", b"3")
    await cache.close()

    answer = await anonymous.get("/api/cache/stats", headers=front.tokens.header(tenant_id=str(mine)))

    stats = answer.json()
    assert [(one["service"], one["hitCount"], one["missCount"]) for one in stats["services"]] == [
        ("metrics", "1", "1")
    ]
    assert stats["total"]["hitRatio"] == 0.5


async def test_flush_forgets_the_tenants_answers_and_nobody_elses(front: Front, anonymous, cache):
    mine, other = uuid4(), uuid4()
    for tenant in (mine, other):
        await _ask(cache, tenant, "series", b"old")

    headers = front.tokens.header(tenant_id=str(mine))
    answer = await anonymous.delete("/api/cache/flush", params={"pattern": "metrics:*"}, headers=headers)

    fresh = Cache(cache._redis, service="metrics", key=b"k" * 32)
    assert answer.json() == {"flushedNamespaceCount": 1}
    assert await _ask(fresh, mine, "series", b"new") == b"new"
    assert await _ask(fresh, other, "series", b"new") == b"old"
    await fresh.close()


async def test_keys_that_are_no_cache_are_protected(client):
    answer = await client.delete("/api/cache/flush", params={"pattern": "counter:*"})

    assert answer.status_code == 400
    assert error_of(answer.json())["reason"] == "CACHE_KEY_PROTECTED"


async def test_pattern_outside_its_alphabet_is_refused(client):
    answer = await client.delete("/api/cache/flush", params={"pattern": "a b"})

    assert answer.status_code == 400
    assert error_of(answer.json())["reason"] == "INVALID_FIELD"
