"""Cached answers of a tenant, gone from Redis before their time.

An invalidated answer is never served again, yet Redis holds it until it expires. For a person who is
forgotten that is too long.
"""

from typing import Final

from redis.asyncio import Redis

from libs.common.cache.cache import Cache
from libs.common.cache.keys import WHOLE_TENANT
from libs.common.context import current_caller
from libs.common.errors import DependencyUnavailable
from libs.common.redis import FAILURES, execute, tenant_key

_AT_ONCE: Final = 1000


async def forget_answers(cache: Cache, redis: Redis, service: str) -> int:
    """Make the caller's tenant's cached answers unreachable, and delete them; returns how many there were.

    Walks the names of all keys: an erasure may take its time, and is the only work that does so.

    Raises:
        DependencyUnavailable: Redis does not answer.
    """
    tenant_id = current_caller().tenant_id
    await cache.invalidate({WHOLE_TENANT})
    pattern = tenant_key("analytics", tenant_id, service, "cache", "*")
    cursor, gone = 0, 0
    try:
        while True:
            cursor, names = await execute(redis, "SCAN", cursor, "MATCH", pattern, "COUNT", _AT_ONCE)
            if names:
                gone += await execute(redis, "UNLINK", *names)
            if int(cursor) == 0:
                return gone
    except FAILURES as error:
        raise DependencyUnavailable("Redis is not reachable", dependency="redis") from error
