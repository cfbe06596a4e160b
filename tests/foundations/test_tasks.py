"""A process whose background work has failed does not go on as if nothing were; all of it can be ended."""

import asyncio

import pytest

from libs.common.tasks import EssentialTaskFailed, ended, essential, stopped_by_failures


async def fail():
    raise ZeroDivisionError


async def test_a_failed_task_stops_the_process_and_is_told_at_the_end():
    stop = asyncio.Event()

    with pytest.raises(EssentialTaskFailed), stopped_by_failures(stop):
        essential(fail(), name="relay")
        await asyncio.wait_for(stop.wait(), 5)


async def test_tasks_that_end_or_are_cancelled_stop_nothing():
    stop = asyncio.Event()

    with stopped_by_failures(stop):
        done = essential(asyncio.sleep(0), name="short")
        cancelled = essential(asyncio.sleep(60), name="long")
        cancelled.cancel()
        await asyncio.wait([done, cancelled])

    assert not stop.is_set()


async def test_a_task_that_loses_a_cancellation_is_ended_all_the_same():
    lost = []

    async def stubborn():
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if lost:
                    raise
                lost.append(True)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)

    await asyncio.wait_for(ended(task, None), 10)

    assert lost
    assert task.cancelled()


async def test_a_task_that_has_failed_is_ended_without_a_word():
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)

    await ended(task)

    assert isinstance(task.exception(), ZeroDivisionError)
