"""How the bus looks inside RabbitMQ: one topic exchange, and per queue its dead letters and its delay queues.

Every queue is a quorum queue and dead-letters at least once, so a broker that dies at any moment loses
nothing that it confirmed. At-least-once dead lettering needs the overflow policy `reject-publish`.
"""

from collections.abc import Sequence

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractQueue, FieldValue

from libs.common.bus.port import CRASH_LIMIT

EXCHANGE = "platform.events"
# A queue without a limit would take the broker's own (20 in RabbitMQ 4) and then drop what nobody settled.
_NO_LIMIT = 1_000_000_000


def dead_queue(queue: str) -> str:
    return f"{queue}.dead"


def retry_queue(queue: str, delay_seconds: float) -> str:
    return f"{queue}.retry.{round(delay_seconds * 1000)}ms"


async def declare_exchange(channel: AbstractChannel) -> AbstractExchange:
    return await channel.declare_exchange(EXCHANGE, ExchangeType.TOPIC, durable=True)


async def declare_dead_queue(channel: AbstractChannel, queue: str) -> AbstractQueue:
    return await channel.declare_queue(
        dead_queue(queue),
        durable=True,
        arguments={"x-queue-type": "quorum", "x-delivery-limit": _NO_LIMIT},
    )


async def declare_work_queue(channel: AbstractChannel, queue: str, types: Sequence[str]) -> AbstractQueue:
    """The queue bound to its types, with its dead letters."""
    exchange = await declare_exchange(channel)
    await declare_dead_queue(channel, queue)
    work = await channel.declare_queue(
        queue, durable=True, arguments=_dead_letters_to(dead_queue(queue)) | {"x-delivery-limit": CRASH_LIMIT}
    )
    for pattern in types:
        await work.bind(exchange, pattern)
    return work


async def declare_retry_queues(channel: AbstractChannel, queue: str, delays: Sequence[float]) -> None:
    """Queues that hold a message for their delay and then give it back to the work queue."""
    for delay in delays:
        await channel.declare_queue(
            retry_queue(queue, delay),
            durable=True,
            arguments=_dead_letters_to(queue) | {"x-message-ttl": round(delay * 1000)},
        )


def _dead_letters_to(queue: str) -> dict[str, FieldValue]:
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
