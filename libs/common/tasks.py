"""Tasks that run beside the calls: what their failure means to the process, and how they are ended."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog

_AGAIN_SECONDS: Final = 1.0

_log = structlog.get_logger()
_watchers: list["asyncio.Event"] = []


class EssentialTaskFailed(RuntimeError):
    """The process stopped because one of its tasks had failed; the log says which and why."""


def essential(work: Coroutine[Any, Any, None], *, name: str) -> "asyncio.Task[None]":
    """A task whose failure must not go unnoticed: it is logged, and ends a process that watches."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_look_at)
    return task


async def ended(*tasks: "asyncio.Task[Any] | None") -> None:
    """Cancel tasks and return when they have ended; how they ended is dropped.

    A task may lose a cancellation: before Python 3.12, `asyncio.wait_for`, by which clients of stores bound
    their calls, forgets one that comes in the moment of its result. So it is asked again.
    """
    running = {task for task in tasks if task is not None}
    while running:
        for task in running:
            task.cancel()
        done, running = await asyncio.wait(running, timeout=_AGAIN_SECONDS)
        for task in done:
            _ = task.cancelled() or task.exception()


@contextmanager
def stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` when the process gets SIGTERM or SIGINT while the body runs."""
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    try:
        yield
    finally:
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)


@contextmanager
def stopped_by_failures(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` when an essential task fails while the body runs.

    Raises:
        EssentialTaskFailed: At the end of the body, when one failed.
    """
    failed = asyncio.Event()
    failed_or_stop = (failed, stop)
    _watchers.extend(failed_or_stop)
    try:
        yield
    finally:
        for event in failed_or_stop:
            _watchers.remove(event)
    if failed.is_set():
        raise EssentialTaskFailed


def _look_at(task: "asyncio.Task[None]") -> None:
    if task.cancelled() or (error := task.exception()) is None:
        return
    _log.critical("essential task failed", task=task.get_name(), exc_info=error)
    for event in _watchers:
        event.set()
