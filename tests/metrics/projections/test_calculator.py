"""The process that calculates: it ends when idle, is replaced when it died, and is refused after the end."""

import asyncio
import os
import signal
import time

import psutil
import pytest

from libs.common.errors import DependencyUnavailable
from services.metrics.errors import ProjectionsBusy
from services.metrics.projections.calculator import Calculator
from services.metrics.projections.question import Question

FOUR_WEEKS = Question(
    days=2, net=[100, 200, 300, 400, 500, 600, 700] * 4, on_sale=[], doors=[], complete_from=0, sales=[]
)


async def becomes(condition):
    """Wait for a condition, a minute at most."""
    give_up_at = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up_at
        await asyncio.sleep(0.02)


async def test_the_process_ends_when_nobody_asked_for_a_while():
    calculator = Calculator(most_waiting=1, idle_seconds=0.5)

    answer = await calculator.ask(FOUR_WEEKS)
    process = psutil.Process(calculator.process_id)

    assert answer.expected == pytest.approx([200, 300], abs=1)
    await becomes(lambda: not process.is_running())
    assert calculator.process_id is None
    await calculator.close()


async def test_a_question_over_the_bound_is_refused_and_a_process_that_died_is_replaced():
    calculator = Calculator(most_waiting=1, idle_seconds=60)
    first = asyncio.create_task(calculator.ask(FOUR_WEEKS))
    await becomes(lambda: calculator.process_id is not None)

    with pytest.raises(ProjectionsBusy):
        await calculator.ask(FOUR_WEEKS)
    os.kill(calculator.process_id, signal.SIGKILL)
    with pytest.raises(DependencyUnavailable):
        await first
    again = await calculator.ask(FOUR_WEEKS)

    assert again.expected == pytest.approx([200, 300], abs=1)
    await calculator.close()


async def test_whoever_gives_up_takes_the_process_along():
    calculator = Calculator(most_waiting=1, idle_seconds=60)
    asked = asyncio.create_task(calculator.ask(FOUR_WEEKS))
    await becomes(lambda: calculator.process_id is not None)
    process = psutil.Process(calculator.process_id)

    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked

    await becomes(lambda: not process.is_running())
    assert calculator.process_id is None
    await calculator.close()


async def test_nothing_is_calculated_after_the_end():
    calculator = Calculator(most_waiting=1, idle_seconds=60)

    await calculator.close()

    with pytest.raises(DependencyUnavailable):
        await calculator.ask(FOUR_WEEKS)
