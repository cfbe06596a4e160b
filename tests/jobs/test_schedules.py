"""Schedules become runs once a due time, whoever plans and whatever was missed."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.common.context import current_caller
from libs.common.errors import InvalidField
from libs.common.jobs.queue import JobQueue, Schedule, save_schedule
from libs.common.jobs.runner import Job
from libs.common.jobs.schema import PLATFORM
from tests.jobs.queueing import MINUTE, NOW, grant, runner, runs


async def test_a_schedule_makes_one_run_a_due_time_however_many_plan(worker):
    tenant = grant()
    schedule = Schedule(uuid4(), "report", "0 6 * * *", "Europe/Vienna", tenant)
    async with worker.infrastructure() as connection:
        await save_schedule(connection, schedule, now=NOW)
    queue = JobQueue(worker)

    assert await queue.plan(now=NOW) == 0
    await asyncio.gather(*(queue.plan(now=NOW + timedelta(days=1)) for _ in range(5)))

    (row,) = await runs(worker)
    assert row["scheduled_at"] == datetime(2026, 5, 5, 4, tzinfo=UTC)
    assert row["run_key"] == f"{schedule.id}@2026-05-05T04:00:00+00:00"
    assert row["tenant_id"] == tenant.scope.tenant_id


async def test_times_missed_while_no_worker_ran_are_made_up_for_once(worker):
    schedule = Schedule(uuid4(), "report", "*/10 * * * *", "UTC", grant())
    async with worker.infrastructure() as connection:
        await save_schedule(connection, schedule, now=NOW)
    queue = JobQueue(worker)

    await queue.plan(now=NOW + timedelta(hours=5))
    await queue.plan(now=NOW + timedelta(hours=5))
    await queue.plan(now=NOW + timedelta(hours=5, minutes=10))

    assert [row["scheduled_at"] for row in await runs(worker)] == [
        NOW + 10 * MINUTE,
        NOW + timedelta(hours=5, minutes=10),
    ]


async def test_jitter_delays_a_run_but_not_its_key(worker):
    granted = grant()
    async with worker.infrastructure() as connection:
        for _ in range(20):
            schedule = Schedule(uuid4(), "report", "0 * * * *", "UTC", granted, jitter=timedelta(minutes=5))
            await save_schedule(connection, schedule, now=NOW)

    await JobQueue(worker).plan(now=NOW + timedelta(hours=1))

    rows = await runs(worker)
    delays = {row["claimable_at"] - row["scheduled_at"] for row in rows}
    assert {row["scheduled_at"] for row in rows} == {NOW + timedelta(hours=1)}
    assert len(delays) == 20
    assert all(timedelta() <= delay < timedelta(minutes=5) for delay in delays)


async def test_saving_a_schedule_again_keeps_its_next_run_unless_its_time_changed(app, worker):
    granted = grant()
    identity = uuid4()

    async def next_due_at(cron, now, enabled=True):
        async with app.transaction(granted.scope) as connection:
            await save_schedule(
                connection, Schedule(identity, "report", cron, "UTC", granted, enabled=enabled), now=now
            )
            return await connection.fetchval("select next_due_at from job_schedules where id = $1", identity)

    assert await next_due_at("0 * * * *", NOW) == NOW + timedelta(hours=1)
    assert await next_due_at("0 * * * *", NOW + timedelta(hours=9)) == NOW + timedelta(hours=1)
    assert await next_due_at("30 * * * *", NOW + timedelta(hours=9)) == NOW + timedelta(hours=9.5)
    await next_due_at("30 * * * *", NOW, enabled=False)
    assert await JobQueue(worker).plan(now=NOW + timedelta(days=9)) == 0
    with pytest.raises(InvalidField):
        await next_due_at("nonsense", NOW)


async def test_the_loop_runs_platform_schedules_until_it_is_stopped(worker):
    ran = asyncio.Event()

    async def body(run):
        assert current_caller().tenant_id == PLATFORM
        ran.set()

    schedule = Schedule.of_platform("partitions", "* * * * *")
    stop = asyncio.Event()
    one = runner(worker, Job("partitions", body), schedules=[schedule], poll=timedelta(seconds=0.05))
    loop = asyncio.create_task(one.run_until(stop))
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        async with worker.infrastructure() as connection:
            moved = await connection.execute(
                "update job_schedules set next_due_at = now() - interval '1 minute'"
            )
        if moved == "UPDATE 1":
            break
        await asyncio.sleep(0.02)

    async with asyncio.timeout(10):
        await ran.wait()
        stop.set()
        await loop

    assert [row["state"] for row in await runs(worker)] == ["succeeded"]
