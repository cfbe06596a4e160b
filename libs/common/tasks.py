"""Tasks that a process cannot do without: when one fails, the process ends in order and is started again."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

_log = structlog.get_logger()
_watchers: list["asyncio.Event"] = []


class EssentialTaskFailed(RuntimeError):
    """The process stopped because one of its tasks had failed; the log says which and why."""


def essential(work: Coroutine[Any, Any, None], *, name: str) -> "asyncio.Task[None]":
    """A task whose failure must not go unnoticed: it is logged, and ends a process that watches."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_look_at)
    return task


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
