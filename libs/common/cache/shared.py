"""The answers that the replicas of a service share in Redis, and the lock that lets one of them compute."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from redis.asyncio import Redis

from libs.common.cache import keys
from libs.common.cache.envelope import NEVER, Envelope, Versions
from libs.common.cache.keys import Place
from libs.common.cache.statistics import StatisticsByTenant
from libs.common.redis import FAILURES, Pipelined

_log = structlog.get_logger(__name__)
_AFTER_FAILURE_SECONDS = 1.0
_POLL_SECONDS = 0.02
_UNLOCK = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question on its way: its place and name in Redis, its answer's life, how it is computed."""

    place: Place
    name: str
    ttl: timedelta
    compute: Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Found:
    """What Redis said: the versions that hold now (None: nothing), and a valid answer if there is one."""

    versions: Versions | None
    answer: bytes | None


class SharedAnswers:
    """Reads and writes signed answers; when Redis fails, does without it for a moment."""

    def __init__(
        self, redis: Redis, envelope: Envelope, statistics: StatisticsByTenant, *, lock_seconds: float
    ) -> None:
        self._redis = Pipelined(redis)
        self._envelope = envelope
        self._statistics = statistics
        self._lock_seconds = lock_seconds
        self._down_until = 0.0

    @property
    def is_down(self) -> bool:
        """Redis failed a moment ago: calls do not each wait for its timeout."""
        return time.monotonic() < self._down_until

    async def look(self, asked: Asked) -> Found:
        """One round trip: the versions and the value."""
        place = asked.place
        try:
            tenant_version, version, value = await self._redis.execute(
                "MGET", place.tenant_version, place.version, asked.name
            )
        except FAILURES as error:
            return self._failed(asked, error)
        versions = (tenant_version or NEVER, version or NEVER)
        if value is None:
            return Found(versions, None)
        try:
            return Found(versions, self._envelope.open(asked.name, versions, value))
        except ValueError:
            _log.error("a cached value was not trusted", namespace=place.namespace)
            self._statistics.of(place.tenant_id).errors += 1
            return Found(versions, None)

    async def store(self, asked: Asked, versions: Versions, answer: bytes) -> None:
        """Keep the answer under the versions that held before it was computed."""
        place = asked.place
        value = self._envelope.close(asked.name, versions, answer)
        milliseconds = max(1, int(asked.ttl.total_seconds() * 1000))
        try:
            await asyncio.gather(
                self._redis.execute("SET", asked.name, value, "PX", milliseconds),
                self._redis.execute("ZADD", keys.index(place.tenant_id), time.time(), place.indexed_as),
            )
        except FAILURES as error:
            self._failed(asked, error)
        else:
            self._statistics.of(place.tenant_id).stored_bytes += len(answer)

    async def lock(self, asked: Asked) -> bytes | None:
        """A token when this process is the one to compute."""
        token = secrets.token_bytes(8)
        milliseconds = int(self._lock_seconds * 1000)
        try:
            taken = await self._redis.execute("SET", _lock_of(asked), token, "NX", "PX", milliseconds)
        except FAILURES as error:
            self._failed(asked, error)
            return None
        return token if taken else None

    async def unlock(self, asked: Asked, token: bytes) -> None:
        try:
            await self._redis.execute("EVAL", _UNLOCK, 1, _lock_of(asked), token)
        except FAILURES as error:
            self._failed(asked, error)

    async def wait_for_other(self, asked: Asked) -> Found:
        """The answer that another process is computing; none when that takes too long or has failed."""
        deadline = time.monotonic() + self._lock_seconds
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            try:
                locked = await self._redis.execute("EXISTS", _lock_of(asked))
            except FAILURES as error:
                return self._failed(asked, error)
            found = await self.look(asked)
            if found.answer is not None or found.versions is None:
                return found
            if not locked or time.monotonic() > deadline:
                return found

    def _failed(self, asked: Asked, error: BaseException) -> Found:
        self._down_until = time.monotonic() + _AFTER_FAILURE_SECONDS
        self._statistics.of(asked.place.tenant_id).errors += 1
        _log.warning("the cache does without Redis", cause=type(error).__name__)
        return Found(None, None)


def _lock_of(asked: Asked) -> str:
    return f"{asked.name}:lock"
