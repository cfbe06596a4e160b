"""The relay of this service's outbox, held back until every queue that must get its events exists."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress

from libs.common.bus.outbox import OutboxRelay
from libs.common.bus.port import Bus, BusUnavailable

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0


class SubscribedRelay:
    """Relays once the queues are there: an event that is published before its queue exists never reaches it.

    Args:
        bus: The bus of relay and queues.
        relay: The outbox's relay.
        queues: Types of events by queue.
    """

    def __init__(self, bus: Bus, relay: OutboxRelay, queues: Mapping[str, Sequence[str]]) -> None:
        self._bus = bus
        self._relay = relay
        self._queues = queues
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Relay until `stop`, through outages of the broker."""
        while not self._stopping.is_set():
            try:
                for queue, types in self._queues.items():
                    await self._bus.subscribe(queue, types=types)
            except BusUnavailable as error:
                log.warning("the outbox waits for its queues: %s", error.message)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), _RETRY_SECONDS)
            else:
                await self._relay.run()
                return

    def stop(self) -> None:
        """Let the batch in hand finish, then let `run` return."""
        self._stopping.set()
        self._relay.stop()
