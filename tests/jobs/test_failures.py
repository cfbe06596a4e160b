"""Runs that fail are tried again, or not, by what they failed of."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from libs.common.errors import DependencyUnavailable, InvalidField
from libs.common.jobs.runner import Job
from tests.jobs.queueing import NOW, queue_run, runner, runs


async def test_transient_failures_are_tried_again_later_and_later(app, worker):
    attempts = []

    async def body(run):
        attempts.append(run.attempt)
        raise DependencyUnavailable("not now")

    await queue_run(app, "report")
    one = runner(worker, Job("report", body, max_attempts=3, retry_after=timedelta(seconds=10)))

    waits = []
    now = NOW
    for _ in range(3):
        before = datetime.now(UTC)
        assert await one.step(now=now) == 1
        await one.idle()
        (row,) = await runs(worker)
        waits.append((row["claimable_at"] - before).total_seconds())
        now = max(now, row["claimable_at"])

    assert attempts == [1, 2, 3]
    assert 10 <= waits[0] < 14
    assert 20 <= waits[1] < 27
    assert (row["state"], row["error_reason"]) == ("failed", "DEPENDENCY_UNAVAILABLE")


@pytest.mark.parametrize("error", [InvalidField.of("week", "is none"), ZeroDivisionError("secret")])
async def test_failures_that_stay_are_not_tried_again(app, worker, error):
    async def body(_run):
        raise error

    await queue_run(app, "report")
    one = runner(worker, Job("report", body))
    await one.step(now=NOW)
    await one.idle()

    (row,) = await runs(worker)
    assert row["state"] == "failed"
    assert row["error_reason"] in {"INVALID_FIELD", "UNEXPECTED"}
    assert "secret" not in row["error_message"]
    assert await one.step(now=NOW + timedelta(days=1)) == 0


async def test_a_body_that_takes_too_long_is_stopped(app, worker):
    async def body(_run):
        await asyncio.sleep(30)

    await queue_run(app, "report")
    one = runner(worker, Job("report", body, timeout=timedelta(seconds=0.05), max_attempts=1))
    await one.step(now=NOW)
    await one.idle()

    (row,) = await runs(worker)
    assert (row["state"], row["error_message"]) == ("failed", "TimeoutError")
