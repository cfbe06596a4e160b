"""Waiting for a condition with a bound, in the place of sleeping and hoping."""

import asyncio
import time
from collections.abc import Callable

import psutil


def until(condition: Callable[[], object], *, within_seconds: float = 10) -> None:
    """Return when the condition holds.

    Raises:
        AssertionError: It did not hold in time.
    """
    give_up_at = time.monotonic() + within_seconds
    while not condition():
        assert time.monotonic() < give_up_at, "the condition did not come true in time"
        time.sleep(0.02)


async def eventually(condition: Callable[[], object], *, within_seconds: float = 10) -> None:
    """The same for a test that runs on an event loop."""
    give_up_at = time.monotonic() + within_seconds
    while not condition():
        assert time.monotonic() < give_up_at, "the condition did not come true in time"
        await asyncio.sleep(0.02)


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; what has ended but was not collected by its parent does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
