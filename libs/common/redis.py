"""The Redis client of a process, and a front that sends commands issued together as one pipeline."""

import asyncio
from collections import deque
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from libs.common.errors import DependencyUnavailable

FAILURES = (RedisError, OSError, TimeoutError)


def connect(
    url: str,
    *,
    application_name: str = "tickettoken",
    max_connections: int = 32,
    timeout_seconds: float = 2.0,
) -> Redis:
    """A client that answers bytes, connects when first used, and never repeats a command by itself.

    Repeating is left to the caller, because a command whose answer was lost may have been done.

    Args:
        url: `redis://`, `rediss://` or `unix://` URL.
        application_name: Shown in CLIENT LIST.
        max_connections: Most connections this client opens.
        timeout_seconds: Longest wait for a connection and for an answer; longer than any BLOCK it sends.
    """
    return Redis.from_url(
        url,
        client_name=application_name,
        max_connections=max_connections,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
    )


def execute(redis: Redis, *command: Any) -> Any:
    """Send one command by name: redis-py's own methods differ in their types, this one is plain."""
    return redis.execute_command(*command)  # type: ignore[no-untyped-call]  # the one method without types


async def check(redis: Redis) -> None:
    """Return when Redis answers.

    Raises:
        DependencyUnavailable: It does not.
    """
    try:
        await execute(redis, "PING")
    except FAILURES as error:
        raise DependencyUnavailable("Redis is not reachable", dependency="redis") from error


def tenant_key(kind: str, tenant_id: UUID, service: str, *parts: str) -> str:
    """`<kind>:<tenant>:<service>:<parts...>`; kind is analytics, realtime, session or counter."""
    return ":".join((kind, str(tenant_id), service, *parts))


class Pipelined:
    """Sends the commands of concurrent callers together: one write, one read, and far less CPU a command.

    While a batch is on its way the next one gathers, so batches grow with the load and a lone command does
    not wait. For short commands whose order does not matter; with one lane it is kept.
    """

    def __init__(self, redis: Redis, *, lanes: int = 2, max_batch: int = 256) -> None:
        self._redis = redis
        self._idle_lanes = lanes
        self._max_batch = max_batch
        self._waiting: deque[tuple[tuple[Any, ...], asyncio.Future[Any]]] = deque()
        self._lanes: set[asyncio.Task[None]] = set()

    def execute(self, *command: Any) -> "asyncio.Future[Any]":
        """The command's answer as redis-py gives it.

        Raises:
            RedisError: The command was refused, or the connection failed before its answer was read.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((command, answer))
        if self._idle_lanes:
            self._idle_lanes -= 1
            lane = loop.create_task(self._send_batches())
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)
        return answer

    async def _send_batches(self) -> None:
        try:
            while self._waiting:
                count = min(len(self._waiting), self._max_batch)
                await self._send([self._waiting.popleft() for _ in range(count)])
        finally:
            self._idle_lanes += 1

    async def _send(self, batch: list[tuple[tuple[Any, ...], "asyncio.Future[Any]"]]) -> None:
        answers: list[Any] = [ConnectionError("the client was stopped")] * len(batch)
        try:
            answers = await self._answers([command for command, _ in batch])
        except FAILURES as error:
            answers = [error] * len(batch)
        finally:
            for (_, future), answer in zip(batch, answers, strict=True):
                if future.done():
                    continue
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)

    async def _answers(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        if len(commands) == 1:
            return [await execute(self._redis, *commands[0])]
        pipeline = self._redis.pipeline(transaction=False)
        for command in commands:
            execute(pipeline, *command)
        answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers
