"""Handlers that note what they get, consumers that run for a block, and bounded waiting."""

import asyncio
import contextlib
import inspect
from dataclasses import dataclass, field

from libs.common.bus.port import DONE

RETRY_DELAYS = (0.2, 0.4, 0.8)


@dataclass
class Received:
    """A handler that notes what it got and settles it as it is told."""

    settle: object = field(default=lambda _delivery: DONE)
    deliveries: list = field(default_factory=list)
    batch_sizes: list[int] = field(default_factory=list)

    async def __call__(self, deliveries):
        self.deliveries += deliveries
        self.batch_sizes.append(len(deliveries))
        return [self.settle(delivery) for delivery in deliveries]

    @property
    def ids(self):
        return [delivery.event.event_id for delivery in self.deliveries]

    async def until(self, count, *, within=20):
        await eventually(lambda: len(self.deliveries) >= count, within=within)


async def eventually(condition, *, within=20):
    """Wait until a condition holds (it may be a coroutine function); fail when it does not in time."""
    async with asyncio.timeout(within):
        while not await _holds(condition):  # noqa: ASYNC110 - most conditions have no event to wait on
            await asyncio.sleep(0.01)


async def _holds(condition):
    outcome = condition()
    return await outcome if inspect.isawaitable(outcome) else outcome


@contextlib.asynccontextmanager
async def running(consumer):
    """A consumer or relay that runs while the block does and then stops by itself."""
    task = asyncio.create_task(consumer.run())
    try:
        yield task
        consumer.stop()
        await asyncio.wait_for(task, 20)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
