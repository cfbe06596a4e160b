"""A RabbitMQ queue as a mailbox: prefetch bounds what is in hand, retries are confirmed copies."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, HeadersType
from aiormq.channel import Channel

from libs.common.bus.mailbox import IDLE_SECONDS, LINGER_SECONDS, Parcel, Settled
from libs.common.bus.port import BusUnavailable, Verdict
from libs.common.bus.rabbitmq_link import Link, Outgoing, bus_errors
from libs.common.bus.rabbitmq_topology import (
    dead_queue,
    declare_retry_queues,
    declare_work_queue,
    retry_queue,
)

ATTEMPT = "x-attempt"
REASON = "x-reason"
DIED_AT = "x-died-at"
_DELIVERY_COUNT = "x-delivery-count"


@asynccontextmanager
async def open_mailbox(
    url: str, queue: str, *, types: Sequence[str], prefetch: int, retry_delays: Sequence[float]
) -> AsyncIterator["RabbitMailbox"]:
    """A mailbox on its own connection, with its queues declared."""
    link = Link(url, name=f"consumer {queue}")
    try:
        mailbox = RabbitMailbox(link, queue, prefetch)
        async with bus_errors():
            await mailbox.start(types, retry_delays)
        yield mailbox
    finally:
        # Closing gives everything unsettled back to the queue.
        await link.close()


class RabbitMailbox:
    """The deliveries of one consumer."""

    def __init__(self, link: Link, queue: str, prefetch: int) -> None:
        self._link = link
        self._queue = queue
        self._prefetch = prefetch
        self._arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        self._consumer_tag = ""

    async def start(self, types: Sequence[str], retry_delays: Sequence[float]) -> None:
        channel = await self._link.channel()
        await channel.set_qos(prefetch_count=self._prefetch)
        work = await declare_work_queue(channel, self._queue, types)
        await declare_retry_queues(channel, self._queue, retry_delays)
        self._consumer_tag = await work.consume(self._arrived.put)

    async def receive(self) -> Sequence[Parcel]:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                messages = [await self._arrived.get()]
        except TimeoutError:
            await self._check_alive()
            return []
        deadline = time.monotonic() + LINGER_SECONDS
        while len(messages) < self._prefetch:
            try:
                async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                    messages.append(await self._arrived.get())
            except TimeoutError:
                break
        return [_parcel(message) for message in messages]

    async def _check_alive(self) -> None:
        """Notice a lost connection, and a consumer that the broker ended because its queue is gone."""
        channel = await self._link.channel()
        underlay = await channel.get_underlay_channel()
        if not isinstance(underlay, Channel) or self._consumer_tag not in underlay.consumers:
            raise BusUnavailable("RabbitMQ ended the consumer", dependency="bus", queue=self._queue)

    async def settle(self, settled: Sequence[Settled]) -> None:
        copies = [self._copy(one) for one in settled if one.verdict is not Verdict.DONE]
        if copies:
            await self._link.send(copies)
        async with bus_errors():
            for one in settled:
                await one.parcel.receipt.ack()

    def _copy(self, one: Settled) -> Outgoing:
        original: AbstractIncomingMessage = one.parcel.receipt
        retried = one.verdict is Verdict.RETRY
        headers = dict(original.headers) | {
            ATTEMPT: one.parcel.attempt + (1 if retried else 0),
            REASON: one.reason[:500],
        }
        headers.pop(_DELIVERY_COUNT, None)
        if not retried:
            headers[DIED_AT] = datetime.now(UTC).isoformat()
        target = retry_queue(self._queue, one.delay_seconds) if retried else dead_queue(self._queue)
        return Outgoing(copied(original, headers), "", target)


def copied(original: AbstractIncomingMessage, headers: HeadersType) -> aio_pika.Message:
    """The same message with other headers."""
    return aio_pika.Message(
        original.body,
        headers=headers,
        content_type=original.content_type,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=original.message_id,
        type=original.type,
    )


def _parcel(message: AbstractIncomingMessage) -> Parcel:
    return Parcel(
        body=message.body,
        content_type=message.content_type or "",
        attempt=integer(message.headers.get(ATTEMPT), 1),
        redeliveries=integer(message.headers.get(_DELIVERY_COUNT), 0),
        receipt=message,
    )


def integer(value: object, default: int) -> int:
    """A header as a number; a foreign producer may have sent anything."""
    return value if isinstance(value, int) else default
