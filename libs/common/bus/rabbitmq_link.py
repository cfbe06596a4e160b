"""A RabbitMQ connection that is made when it is needed, and confirmed publishing through it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, TimeoutType
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, PublishError

from libs.common.bus.port import BusUnavailable, NoSubscriber

CONNECT_SECONDS = 5.0
REPLY_SECONDS = 15.0
CONFIRM_SECONDS = 30.0
ADMINISTRATION_SECONDS = 120.0
_IN_FLIGHT = 200


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message, the exchange it goes to ("" for straight to a queue) and its routing key."""

    message: aio_pika.Message
    exchange: str
    routing_key: str


class _Connection(aio_pika.Connection):
    async def connect(self, timeout: TimeoutType = None) -> None:  # noqa: ASYNC109 - the driver's own signature
        """Leaves nothing open behind: garbage would be closed later, by a task that nobody awaits."""
        try:
            await super().connect(timeout)
        except BaseException:
            await self.close()
            raise


@asynccontextmanager
async def bus_errors(*, within_seconds: float = REPLY_SECONDS) -> AsyncIterator[None]:
    """Turn silence and whatever a lost or closing connection raises into BusUnavailable.

    A broker that has just started may accept a request on a queue that is not up yet and never answer it.
    """
    try:
        async with asyncio.timeout(within_seconds):
            yield
    except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
        raise BusUnavailable(f"RabbitMQ: {type(error).__name__}", dependency="bus") from error


class Link:
    """One connection and one channel with publisher confirms; a broken one is replaced at the next use."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._connecting = asyncio.Lock()
        self._slots = asyncio.Semaphore(_IN_FLIGHT)

    async def channel(self) -> AbstractChannel:
        """The open channel.

        Raises:
            BusUnavailable: The broker cannot be reached.
        """
        async with self._connecting:
            if self._channel is None or self._channel.is_closed or not self._is_connected():
                await self.close()
                async with bus_errors():
                    self._connection = await aio_pika.connect(
                        self._url,
                        timeout=CONNECT_SECONDS,
                        connection_class=_Connection,
                        client_properties={"connection_name": self._name},
                    )
                    # With confirms a mandatory message that no queue takes raises instead of vanishing.
                    self._channel = await self._connection.channel(on_return_raises=True)
            return self._channel

    def _is_connected(self) -> bool:
        return self._connection is not None and not self._connection.is_closed

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Return when the broker has confirmed every message.

        Raises:
            BusUnavailable: The connection failed, or the broker refused or did not confirm in time.
            NoSubscriber: A message has no queue.
        """
        channel = await self.channel()
        outcomes = await asyncio.gather(
            *(self._send_one(channel, message) for message in messages), return_exceptions=True
        )
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        for failure in sorted(failures, key=lambda error: isinstance(error, NoSubscriber)):
            raise failure

    async def _send_one(self, channel: AbstractChannel, outgoing: Outgoing) -> None:
        exchange = channel.default_exchange
        if outgoing.exchange:
            exchange = await channel.get_exchange(outgoing.exchange, ensure=False)
        async with self._slots, bus_errors(within_seconds=CONFIRM_SECONDS):
            try:
                await exchange.publish(outgoing.message, outgoing.routing_key)
            except PublishError as error:
                raise NoSubscriber(
                    f"no queue takes {outgoing.routing_key}", routing_key=outgoing.routing_key
                ) from error

    async def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is None:
            return
        try:
            await asyncio.wait_for(connection.close(), CONNECT_SECONDS)
        except (*CONNECTION_EXCEPTIONS, TimeoutError):
            return  # a connection that fails while it is closed is closed


def as_text(value: object) -> str:
    """A header value as text; RabbitMQ hands over str or bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
