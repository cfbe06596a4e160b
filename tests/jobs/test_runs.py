"""Runs are queued once, done once, as whoever they were granted by, and forgotten."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

from libs.common.context import current_caller
from libs.common.jobs.queue import JobQueue, enqueue
from libs.common.jobs.runner import Job
from tests.jobs.queueing import MINUTE, NOW, grant, queue_run, runner, runs


async def test_a_job_runs_as_its_grant_with_its_arguments(app, worker):
    seen = []
    venue = uuid4()

    async def body(run):
        seen.append((current_caller(), dict(run.arguments), run.scheduled_at, run.attempt))

    granted = grant(venue_ids=frozenset({venue}))
    assert await queue_run(app, "report", granted=granted, arguments={"week": 18})
    one = runner(worker, Job("report", body))

    assert await one.step(now=NOW) == 1
    await one.idle()

    ((caller, arguments, scheduled_at, attempt),) = seen
    assert caller.scope == granted.scope
    assert caller.permissions == {"analytics.read"}
    assert (caller.subject, caller.actor) == ("someone", "example")
    assert (arguments, scheduled_at, attempt) == ({"week": 18}, NOW, 1)
    (row,) = await runs(worker)
    assert row["state"] == "succeeded"
    assert row["finished_at"] is not None


async def test_a_run_key_queues_one_run_for_a_tenant_and_job(app, worker):
    granted = grant()

    outcomes = [
        await queue_run(app, "report", granted=granted),
        await queue_run(app, "report", granted=granted),
        await queue_run(app, "other", granted=granted),
        await queue_run(app, "report"),
    ]

    assert outcomes == [True, False, True, True]


async def test_many_workers_do_each_run_once(app, worker):
    done = []

    async def body(run):
        await asyncio.sleep(0.01)
        done.append(run.id)

    granted = grant()
    for n in range(40):
        await queue_run(app, "report", run_key=str(n), granted=granted)
    workers = [runner(worker, Job("report", body), concurrency=3) for _ in range(4)]

    async def work(one):
        for _ in range(20):
            await one.step(now=NOW)
            await one.idle()

    await asyncio.gather(*(work(one) for one in workers))

    assert len(done) == 40
    assert len(set(done)) == 40


async def test_a_tenant_cannot_see_or_make_another_tenants_work(app):
    ours, theirs = grant(), grant()
    await queue_run(app, "report", granted=ours)

    async with app.transaction(theirs.scope) as connection:
        assert await connection.fetch("select * from job_runs") == []
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with app.transaction(theirs.scope) as connection:
            await enqueue(connection, "report", run_key="x", grant=ours, due_at=NOW)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with app.transaction(ours.scope) as connection:
            await connection.execute("update job_runs set state = 'succeeded'")


async def test_workers_leave_jobs_they_do_not_know(app, worker):
    await queue_run(app, "of another process")

    assert await runner(worker, Job("report", None)).step(now=NOW) == 0


async def test_history_is_bounded(app, worker):
    async def body(_run):
        pass

    for n in range(3):
        await queue_run(app, "report", run_key=str(n))
    one = runner(worker, Job("report", body), concurrency=2)
    await one.step(now=NOW)
    await one.idle()

    assert await JobQueue(worker).forget(before=datetime.now(UTC) + MINUTE) == 2
    assert [row["state"] for row in await runs(worker)] == ["waiting"]
