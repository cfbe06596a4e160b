"""The event bus on Redis Streams: the embedded default, with the same promises as RabbitMQ."""

import os
import socket
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.envelope import PROTOBUF, decode, encode, stamp_trace
from libs.common.bus.mailbox import MailboxConsumer
from libs.common.bus.metering import count_published
from libs.common.bus.port import (
    DEFAULT_MAX_DELIVERIES,
    DEFAULT_PREFETCH,
    DEFAULT_RETRY_DELAYS,
    BacklogFull,
    BatchHandler,
    Consumer,
    DeadLetter,
    NoSubscriber,
    UnreadableEvent,
)
from libs.common.bus.redis_mailbox import Subscription, bus_errors, open_mailbox, subscribe
from libs.common.bus.redis_scripts import (
    BINDINGS,
    PREFIX,
    PUBLISH,
    REVIVE,
    dead_stream,
    retry_stream,
    work_stream,
)

_EVENTS_PER_CALL = 250


class RedisBus:
    """See `libs.common.bus.port.Bus`.

    Args:
        url: Redis URL; the server must append to disk and never evict.
        takeover_seconds: Silence after which a consumer is dead and its events go to another one.
        max_backlog: Unsettled events per queue above which publishing is refused, so that memory is bounded.
    """

    def __init__(self, url: str, *, takeover_seconds: float = 30.0, max_backlog: int = 1_000_000) -> None:
        self._redis: Redis = Redis.from_url(
            url, protocol=2, decode_responses=False, socket_timeout=15, socket_connect_timeout=5
        )
        self._publish = self._redis.register_script(PUBLISH)
        self._takeover_seconds = takeover_seconds
        self._max_backlog = max_backlog

    async def publish(self, events: Sequence[Event]) -> None:
        for start in range(0, len(events), _EVENTS_PER_CALL):
            chunk = events[start : start + _EVENTS_PER_CALL]
            await self._publish_at_once(chunk)
            count_published(chunk)

    async def _publish_at_once(self, events: Sequence[Event]) -> None:
        arguments: list[str | bytes | int] = [PREFIX, self._max_backlog, PROTOBUF]
        for event in events:
            stamp_trace(event)
            arguments += [event.type, encode(event)]
        with bus_errors():
            outcome, detail = await self._publish(keys=[BINDINGS], args=arguments)
        if outcome == b"NO_SUBSCRIBER":
            raise NoSubscriber(f"no queue takes {detail.decode()}", routing_key=detail.decode())
        if outcome == b"BACKLOG_FULL":
            raise BacklogFull(f"the queue {detail.decode()} is full", queue=detail.decode())

    def consume(
        self,
        queue: str,
        *,
        types: Sequence[str],
        handler: BatchHandler,
        prefetch: int = DEFAULT_PREFETCH,
        retry_delays: Sequence[float] = DEFAULT_RETRY_DELAYS,
        max_deliveries: int = DEFAULT_MAX_DELIVERIES,
    ) -> Consumer:
        subscription = Subscription(
            queue=queue,
            types=types,
            consumer=f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}",
            prefetch=prefetch,
            retry_delays=retry_delays,
            takeover_seconds=self._takeover_seconds,
        )
        return MailboxConsumer(
            queue=queue,
            open_mailbox=lambda: open_mailbox(self._redis, subscription),
            handler=handler,
            retry_delays=retry_delays,
            max_deliveries=max_deliveries,
        )

    async def subscribe(self, queue: str, *, types: Sequence[str]) -> None:
        with bus_errors():
            await subscribe(self._redis, queue, types)

    async def unsubscribe(self, queue: str, *, retry_delays: Sequence[float] = DEFAULT_RETRY_DELAYS) -> None:
        with bus_errors():
            async with self._redis.pipeline(transaction=True) as transaction:
                transaction.hdel(BINDINGS, queue)
                retries = [retry_stream(queue, delay) for delay in retry_delays]
                transaction.delete(work_stream(queue), dead_stream(queue), *retries)
                await transaction.execute()

    async def list_dead(self, queue: str, *, limit: int = 100) -> list[DeadLetter]:
        with bus_errors():
            entries: Any = await self._redis.xrange(dead_stream(queue), count=limit)
        return [_dead_letter(fields) for _, fields in entries]

    async def replay_dead(
        self, queue: str, *, event_ids: Collection[str] | None = None, limit: int = 1000
    ) -> int:
        replayed = 0
        with bus_errors():
            entries: Any = await self._redis.xrange(dead_stream(queue), count=limit)
            for entry_id, fields in entries:
                event = _dead_letter(fields).event
                if event_ids is None or (event is not None and event.event_id in event_ids):
                    replayed += await self._redis.eval(
                        REVIVE, 2, dead_stream(queue), work_stream(queue), entry_id
                    )
        return replayed

    async def check(self) -> None:
        with bus_errors():
            await self._redis.ping()

    async def close(self) -> None:
        await self._redis.aclose()


def _dead_letter(fields: dict[bytes, bytes]) -> DeadLetter:
    try:
        event = decode(fields[b"body"], fields[b"content_type"].decode())
    except UnreadableEvent:
        event = None
    return DeadLetter(
        event=event,
        reason=fields[b"reason"].decode(),
        attempt=int(fields[b"attempt"]),
        died_at=datetime.fromisoformat(fields[b"died_at"].decode()),
    )
