"""Rate limits shared through Redis, spent from leases in the process so that a call rarely asks Redis."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import redis.exceptions
import structlog
from limits import RateLimitItem, parse_many
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis.asyncio import BlockingConnectionPool

from libs.common.observability.prometheus import RATE_LIMIT_LOCAL, RATE_LIMITED
from libs.common.rpc.errors import RateLimited

_log = structlog.get_logger(__name__)

KEY_PREFIX = "counter"
_BUCKETS = 50_000
_LEASES_PER_WINDOW = 50
_LARGEST_LEASE = 200
_LOCAL_FOR_SECONDS = 5.0
_REDIS_TIMEOUT_SECONDS = 0.25
_REDIS_CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to the caller, in the terms of the RateLimit headers."""

    limit: int
    remaining: int
    resets_at: float

    def headers(self) -> tuple[tuple[str, str], ...]:
        """RateLimit-Limit, -Remaining and -Reset (whole seconds) as metadata."""
        seconds = max(0, math.ceil(self.resets_at - time.time()))
        return (
            ("ratelimit-limit", str(self.limit)),
            ("ratelimit-remaining", str(self.remaining)),
            ("ratelimit-reset", str(seconds)),
        )


@dataclass(slots=True)
class _Bucket:
    """The calls this process has leased of one window of one principal, and what was left beside them."""

    item: RateLimitItem
    lease: int
    tokens: int = 0
    left: int = 0
    resets_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def allowance(self) -> Allowance:
        return Allowance(self.item.amount, self.tokens + self.left, self.resets_at)


class RateLimiter:
    """Counts calls per (tenant, principal or address, class).

    Each process leases a fiftieth of a window's calls at a time. Calls leased and not spent when the window
    ends are lost: with n processes a principal may be refused up to n leases early, and is never let through
    late. When Redis cannot be reached the process counts alone, and asks again after five seconds.

    Args:
        redis_url: redis:// or rediss:// URL.
        limits: Windows by class, such as {"read": "100/second;3000/minute"}.
    """

    def __init__(self, redis_url: str, limits: Mapping[str, str]) -> None:
        self._items = {name: tuple(parse_many(text)) for name, text in limits.items()}
        self._pool = BlockingConnectionPool.from_url(
            redis_url,
            max_connections=_REDIS_CONNECTIONS,
            timeout=_REDIS_TIMEOUT_SECONDS,
            socket_timeout=_REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=_REDIS_TIMEOUT_SECONDS,
        )
        self._shared = FixedWindowRateLimiter(
            _RedisStorage(
                f"async+{redis_url}",
                implementation="redispy",
                key_prefix=KEY_PREFIX,
                connection_pool=self._pool,  # type: ignore[arg-type]  # documented, but not in its types
            )
        )
        self._alone = FixedWindowRateLimiter(MemoryStorage())
        self._alone_until = 0.0
        self._buckets: OrderedDict[tuple[str, str, str], tuple[_Bucket, ...]] = OrderedDict()

    async def spend(self, tenant: str, principal: str, rate_class: str) -> Allowance:
        """Count one call.

        Returns:
            What is left of the tightest window.

        Raises:
            RateLimited: A window of this class is used up.
        """
        buckets = self._buckets_of((tenant, principal, rate_class))
        now = time.time()
        for position, bucket in enumerate(buckets):
            if bucket.tokens and now < bucket.resets_at:
                bucket.tokens -= 1
            elif not await self._lease(bucket, (tenant, principal, rate_class)):
                for spent in buckets[:position]:
                    spent.tokens += 1
                RATE_LIMITED.labels(rate_class).inc()
                raise _refusal(bucket, rate_class)
        return buckets[0].allowance if len(buckets) == 1 else _tightest(buckets)

    def ask_redis_again(self) -> None:
        """End the time in which this process counts alone."""
        self._alone_until = 0.0

    async def close(self) -> None:
        await self._pool.aclose()

    def _buckets_of(self, key: tuple[str, str, str]) -> tuple[_Bucket, ...]:
        buckets = self._buckets.get(key)
        if buckets is not None:
            self._buckets.move_to_end(key)
            return buckets
        buckets = tuple(
            _Bucket(item, max(1, min(_LARGEST_LEASE, item.amount // _LEASES_PER_WINDOW)))
            for item in self._items[key[2]]
        )
        self._buckets[key] = buckets
        if len(self._buckets) > _BUCKETS:
            self._buckets.popitem(last=False)
        return buckets

    async def _lease(self, bucket: _Bucket, key: tuple[str, str, str]) -> bool:
        """Get more calls and spend one of them; False when the window has none left."""
        async with bucket.lock:
            now = time.time()
            if now < bucket.resets_at and (bucket.tokens or not bucket.left):
                return _spent(bucket)
            if now >= bucket.resets_at:
                bucket.tokens = 0
            if now >= self._alone_until:
                try:
                    await self._fill(self._shared, bucket, key)
                except (redis.exceptions.RedisError, OSError) as error:
                    self._count_alone(error)
                else:
                    RATE_LIMIT_LOCAL.set(0)
                    return _spent(bucket)
            await self._fill(self._alone, bucket, key)
            return _spent(bucket)

    async def _fill(
        self, limiter: FixedWindowRateLimiter, bucket: _Bucket, key: tuple[str, str, str]
    ) -> None:
        """Take a lease. The counter may pass the limit by the last lease: only the part below it is ours."""
        storage, item = limiter.storage, bucket.item
        name = _counter(key, item)
        used = await storage.incr(name, item.get_expiry(), amount=bucket.lease)
        bucket.tokens = max(0, min(bucket.lease, item.amount - (used - bucket.lease)))
        bucket.left = max(0, item.amount - used)
        bucket.resets_at = await storage.get_expiry(name)

    def _count_alone(self, error: Exception) -> None:
        self._alone_until = time.time() + _LOCAL_FOR_SECONDS
        RATE_LIMIT_LOCAL.set(1)
        _log.warning(
            "rate limits are kept in this process: redis is not reachable", cause=type(error).__name__
        )


def _counter(key: tuple[str, str, str], item: RateLimitItem) -> str:
    """The name of a window's counter; all services count into the same one."""
    tenant, principal, rate_class = key
    return f"{tenant}:rpc:rate:{rate_class}:{item.amount}-in-{item.get_expiry()}s:{principal}"


class _RedisStorage(RedisStorage):
    """Imports the one client that is used; its parent imports each that is installed."""

    DEPENDENCIES = {"redis": RedisStorage.DEPENDENCIES["redis"]}  # noqa: RUF012 - as its parent declares it


def _spent(bucket: _Bucket) -> bool:
    if bucket.tokens:
        bucket.tokens -= 1
        return True
    return False


def _tightest(buckets: tuple[_Bucket, ...]) -> Allowance:
    return min((bucket.allowance for bucket in buckets), key=lambda allowance: allowance.remaining)


def _refusal(bucket: _Bucket, rate_class: str) -> RateLimited:
    wait = max(1, math.ceil(bucket.resets_at - time.time()))
    return RateLimited(
        "too many calls; try again later",
        retry_after=timedelta(seconds=wait),
        rate_class=rate_class,
        limit=bucket.item.amount,
        window_seconds=bucket.item.get_expiry(),
    )
