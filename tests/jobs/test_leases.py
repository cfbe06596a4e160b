"""A run belongs to one worker as long as its lease, and crashes are taken over."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from libs.common.jobs.queue import JobQueue
from libs.common.jobs.runner import Job
from tests.jobs.queueing import MINUTE, NOW, queue_run, runner, runs


async def test_a_long_run_keeps_its_lease(app, worker):
    release = asyncio.Event()

    async def body(_run):
        await release.wait()

    await queue_run(app, "report", due_at=datetime.now(UTC))
    first = runner(worker, Job("report", body), lease=timedelta(seconds=0.3))
    second = runner(worker, Job("report", body), lease=timedelta(seconds=0.3))
    await first.step(now=datetime.now(UTC))

    for _ in range(5):
        await asyncio.sleep(0.2)
        assert await second.step(now=datetime.now(UTC)) == 0
    release.set()
    await first.idle()

    (row,) = await runs(worker)
    assert (row["state"], row["attempt_count"]) == ("succeeded", 1)


async def test_a_run_of_a_worker_that_died_is_taken_over_and_its_late_end_is_ignored(app, worker):
    attempts = []

    async def body(run):
        attempts.append(run.attempt)

    await queue_run(app, "report")
    queue = JobQueue(worker)
    (dead,) = await queue.claim(["report"], limit=1, lease=timedelta(seconds=30), now=NOW)
    survivor = runner(worker, Job("report", body))

    assert await survivor.step(now=NOW + timedelta(seconds=29)) == 0
    assert await survivor.step(now=NOW + timedelta(seconds=31)) == 1
    await survivor.idle()

    assert attempts == [2]
    assert not await queue.renew(dead, until=NOW + timedelta(minutes=9))
    assert not await queue.succeeded(dead, now=NOW)
    assert not await queue.failed(dead, "X", "x", now=NOW)
    (row,) = await runs(worker)
    assert row["state"] == "succeeded"


async def test_a_worker_that_lost_its_lease_stops(app, worker):
    outcome = asyncio.get_running_loop().create_future()

    async def body(_run):
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            outcome.set_result("stopped")
            raise

    await queue_run(app, "report", due_at=datetime.now(UTC))
    slow = runner(worker, Job("report", body), lease=timedelta(seconds=0.2))
    await slow.step(now=datetime.now(UTC))
    async with worker.infrastructure() as connection:
        await connection.execute("update job_runs set lease_token = $1", uuid4())

    async with asyncio.timeout(5):
        assert await outcome == "stopped"
        await slow.idle()


async def test_a_run_that_kills_every_worker_ends_as_failed(app, worker):
    await queue_run(app, "report")
    queue = JobQueue(worker)
    now = NOW
    for _ in range(2):
        await queue.claim(["report"], limit=1, lease=MINUTE, now=now)
        now += 2 * MINUTE

    async def body(_run):
        raise AssertionError("must not run again")

    one = runner(worker, Job("report", body, max_attempts=2))
    await one.step(now=now)
    await one.idle()

    (row,) = await runs(worker)
    assert (row["state"], row["error_reason"]) == ("failed", "LEASE_EXPIRED")
