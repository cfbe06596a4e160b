"""Caches of two replicas of a service, and callers of different tenants."""

import dataclasses
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.common.cache.cache import Cache
from libs.common.context import Caller, TenantScope, acting_as
from libs.common.redis import connect

TTL = timedelta(minutes=1)


def caller(tenant_id=None, venue_ids=None):
    scope = TenantScope(tenant_id or uuid4(), venue_ids)
    return Caller("someone", scope, frozenset(), datetime.now(UTC) + timedelta(hours=1), "token")


@dataclasses.dataclass
class Counted:
    """Computes an answer and counts how often."""

    answer: bytes = b"answer"
    count: int = 0

    async def __call__(self):
        self.count += 1
        return self.answer + b" %d" % self.count


@asynccontextmanager
async def replica(url, *, key=b"k" * 32, service="metrics", **options):
    redis = connect(url)
    cache = Cache(redis, service=service, key=key, **options)
    await cache.start()
    yield cache
    await cache.close()
    await redis.aclose()


@pytest.fixture
async def redis(redis_url):
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def cache(redis_url):
    async with replica(redis_url) as one:
        yield one


@pytest.fixture
async def other_replica(redis_url):
    async with replica(redis_url) as other:
        yield other


@pytest.fixture
def tenant():
    someone = caller()
    with acting_as(someone):
        yield someone
