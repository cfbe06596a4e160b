"""The event bus on RabbitMQ: confirmed publishing to a topic exchange, quorum queues, dead letters."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.envelope import PROTOBUF, decode, encode, stamp_trace
from libs.common.bus.mailbox import MailboxConsumer
from libs.common.bus.metering import count_published
from libs.common.bus.port import (
    DEFAULT_MAX_DELIVERIES,
    DEFAULT_PREFETCH,
    DEFAULT_RETRY_DELAYS,
    BatchHandler,
    Consumer,
    DeadLetter,
    UnreadableEvent,
)
from libs.common.bus.rabbitmq_link import ADMINISTRATION_SECONDS, Link, Outgoing, as_text, bus_errors
from libs.common.bus.rabbitmq_mailbox import ATTEMPT, DIED_AT, REASON, copied, integer, open_mailbox
from libs.common.bus.rabbitmq_topology import (
    EXCHANGE,
    dead_queue,
    declare_dead_queue,
    declare_exchange,
    declare_work_queue,
    retry_queue,
)


class RabbitBus:
    """See `libs.common.bus.port.Bus`. Each consumer has a connection of its own; publishing shares one."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._publisher = Link(url, name="publisher")
        self._declared_on: AbstractChannel | None = None

    async def publish(self, events: Sequence[Event]) -> None:
        await self._declare()
        await self._publisher.send([_outgoing(event) for event in events])
        count_published(events)

    async def _declare(self) -> None:
        channel = await self._publisher.channel()
        if self._declared_on is not channel:
            async with bus_errors():
                await declare_exchange(channel)
            self._declared_on = channel

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
        return MailboxConsumer(
            queue=queue,
            open_mailbox=lambda: open_mailbox(
                self._url, queue, types=types, prefetch=prefetch, retry_delays=retry_delays
            ),
            handler=handler,
            retry_delays=retry_delays,
            max_deliveries=max_deliveries,
        )

    async def subscribe(self, queue: str, *, types: Sequence[str]) -> None:
        async with self._own_channel() as (_, channel):
            await declare_work_queue(channel, queue, types)

    async def unsubscribe(self, queue: str, *, retry_delays: Sequence[float] = DEFAULT_RETRY_DELAYS) -> None:
        async with self._own_channel() as (_, channel):
            for name in (queue, *(retry_queue(queue, delay) for delay in retry_delays), dead_queue(queue)):
                await channel.queue_delete(name)

    async def list_dead(self, queue: str, *, limit: int = 100) -> list[DeadLetter]:
        async with self._own_channel() as (_, channel):
            messages = await _take(await declare_dead_queue(channel, queue), limit)
            return [_dead_letter(message) for message in messages]  # closing the channel puts them back

    async def replay_dead(
        self, queue: str, *, event_ids: Collection[str] | None = None, limit: int = 1000
    ) -> int:
        async with self._own_channel() as (link, channel):
            messages = await _take(await declare_dead_queue(channel, queue), limit)
            chosen = [one for one in messages if event_ids is None or one.message_id in event_ids]
            await link.send([Outgoing(_revived(message), "", queue) for message in chosen])
            for message in chosen:
                await message.ack()
            return len(chosen)

    async def check(self) -> None:
        await self._publisher.channel()

    async def close(self) -> None:
        await self._publisher.close()

    @asynccontextmanager
    async def _own_channel(self) -> AsyncIterator[tuple[Link, AbstractChannel]]:
        link = Link(self._url, name="administration")
        try:
            async with bus_errors(within_seconds=ADMINISTRATION_SECONDS):
                yield link, await link.channel()
        finally:
            await link.close()


def _outgoing(event: Event) -> Outgoing:
    stamp_trace(event)
    message = aio_pika.Message(
        encode(event),
        content_type=PROTOBUF,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=event.event_id,
        type=event.type,
        headers={"traceparent": event.traceparent, "x-tenant": event.tenant_id},
    )
    return Outgoing(message, EXCHANGE, event.type)


async def _take(queue: AbstractQueue, limit: int) -> list[AbstractIncomingMessage]:
    messages: list[AbstractIncomingMessage] = []
    while len(messages) < limit and (message := await queue.get(fail=False)) is not None:
        messages.append(message)
    return messages


def _revived(message: AbstractIncomingMessage) -> aio_pika.Message:
    """A first attempt again, without the history that belongs to its last life."""
    kept = {name: value for name, value in message.headers.items() if name in ("traceparent", "x-tenant")}
    return copied(message, kept)


def _dead_letter(message: AbstractIncomingMessage) -> DeadLetter:
    try:
        event = decode(message.body, message.content_type or "")
    except UnreadableEvent:
        event = None
    headers = message.headers
    died_at = headers.get(DIED_AT)
    return DeadLetter(
        event=event,
        # Without a reason of ours the broker put it aside itself: too many processes died over it.
        reason=as_text(headers.get(REASON) or "returned too often: its consumers died while handling it"),
        attempt=integer(headers.get(ATTEMPT), 1),
        died_at=datetime.fromisoformat(as_text(died_at)) if died_at else None,
    )
