"""Telling every replica that facts changed: versions in Redis, a message, and no change forgotten."""

import asyncio
import os
from uuid import UUID

import structlog
from redis.asyncio import Redis

from libs.common.cache import keys
from libs.common.cache.envelope import VERSION_BYTES
from libs.common.cache.keys import WHOLE_TENANT, Place
from libs.common.cache.lifetimes import LONGEST
from libs.common.cache.local import LocalAnswers
from libs.common.redis import FAILURES, Pipelined

_log = structlog.get_logger(__name__)
_RETRY_SECONDS = 0.5
_LISTEN_SECONDS = 0.25
_VERSION_SECONDS = 2 * int(LONGEST.total_seconds())


class Invalidations:
    """Bumps versions, now or as soon as Redis is back, and listens to the bumps of other replicas."""

    def __init__(self, redis: Redis, service: str, local: LocalAnswers, *, most_pending: int) -> None:
        self._most_pending = most_pending
        self._redis = redis
        self._pipelined = Pipelined(redis, lanes=1)  # one lane keeps SET before PUBLISH
        self._service = service
        self._local = local
        self._pending: set[tuple[UUID, str]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        # A cancellation that meets a timeout inside redis-py is lost: the loops look here, too.
        self._closing = asyncio.Event()

    @property
    def pending(self) -> int:
        """Bumps that Redis does not know of yet."""
        return len(self._pending)

    def is_pending(self, place: Place) -> bool:
        """Whether Redis may still hold answers of this place that are known to be wrong."""
        return bool(self._pending) and (
            (place.tenant_id, place.namespace) in self._pending
            or (place.tenant_id, WHOLE_TENANT) in self._pending
        )

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._repeat())]

    async def close(self) -> None:
        self._closing.set()  # no cancelling: redis-py loses the connection that it is opening meanwhile
        await asyncio.gather(*self._tasks)

    async def bump(self, tenant_id: UUID, namespaces: set[str]) -> None:
        """Make the answers of these namespaces unreachable; keeps what Redis did not take, and repeats it."""
        places = {(tenant_id, namespace) for namespace in namespaces}
        for place in places:
            self._local.invalidate(*place)
        self._pending |= places
        if len(self._pending) > self._most_pending:
            self._pending = {(tenant, WHOLE_TENANT) for tenant, _ in self._pending}
        else:
            await self._send(places)

    async def _send(self, places: set[tuple[UUID, str]]) -> None:
        channel = keys.invalidations(self._service)
        commands: list[tuple[str | bytes | int, ...]] = []
        for tenant_id, namespace in places:
            version = keys.version(tenant_id, self._service, namespace)
            commands.append(("SET", version, os.urandom(VERSION_BYTES), "EX", _VERSION_SECONDS))
            commands.append(("PUBLISH", channel, f"{tenant_id} {namespace}"))
        try:
            await asyncio.gather(*(self._pipelined.execute(*command) for command in commands))
        except FAILURES as error:
            _log.warning("cache invalidations wait for Redis", count=self.pending, cause=type(error).__name__)
            return
        self._pending -= places

    async def _repeat(self) -> None:
        while not await self._closing_within(_RETRY_SECONDS):
            if self._pending:
                await self._send(set(list(self._pending)[:1000]))

    async def _listen(self) -> None:
        while not self._closing.is_set():
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(keys.invalidations(self._service))
                    while not self._closing.is_set():
                        message = await channel.get_message(timeout=_LISTEN_SECONDS)
                        if message is not None:
                            tenant, _, namespace = message["data"].decode().partition(" ")
                            self._local.invalidate(UUID(tenant), namespace)
            except FAILURES:
                await self._closing_within(_RETRY_SECONDS)

    async def _closing_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._closing.wait()
        except TimeoutError:
            return False
