"""Schedules become runs once, runs are done by one worker at a time, and crashes are taken over."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from libs.common.context import TenantScope, current_caller
from libs.common.errors import DependencyUnavailable, InvalidField
from libs.common.jobs.queue import Grant, JobQueue, Schedule, enqueue, save_schedule
from libs.common.jobs.runner import Job, JobRunner
from libs.common.jobs.schema import PLATFORM

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def grant(tenant_id=None, **options):
    return Grant("someone", TenantScope(tenant_id or uuid4(), **options), frozenset({"analytics.read"}))


async def queue_run(app, name, *, run_key="one", granted=None, due_at=NOW, arguments=None):
    granted = granted or grant()
    async with app.transaction(granted.scope) as connection:
        return await enqueue(
            connection, name, run_key=run_key, grant=granted, due_at=due_at, arguments=arguments
        )


async def runs(worker):
    async with worker.infrastructure() as connection:
        return await connection.fetch("select * from job_runs order by scheduled_at, id")


def runner(worker, *jobs, **options):
    return JobRunner(worker, service="example", jobs=jobs, **options)


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
