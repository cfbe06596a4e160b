"""Nightly refreshes: when a tenant's begin, and what a venue that fails does to the others."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from libs.common.bus.consumer import service_caller
from libs.common.context import acting_as
from libs.common.jobs.queue import JobQueue, Run
from services.customers.errors import RefreshIncomplete
from services.customers.insights.jobs import jobs_of
from services.customers.insights.schedule import REFRESH_ID, REFRESH_JOB, refresh_schedule
from tests.customers.insights.conftest import NOW, History
from tests.customers.insights.quiet import CLOCK, DAY
from tests.platform import events as make


async def test_a_tenants_first_order_schedules_its_nightly_refresh(
    as_admin, worker_database, eventful, refreshing, listed
):
    schedule = await as_admin.fetchrow(
        "select job, cron, enabled from job_schedules where tenant_id = $1 and id = $2",
        eventful.tenant_id,
        REFRESH_ID,
    )
    [job] = jobs_of(refreshing)

    await as_admin.execute(
        "update job_schedules set next_due_at = now() - interval '1 day' where tenant_id = $1",
        eventful.tenant_id,
    )
    queue = JobQueue(worker_database)
    now = datetime.now(UTC)
    await queue.plan(now=now)
    run = next(
        run
        for run in await queue.claim([REFRESH_JOB], limit=100, lease=DAY, now=now)
        if run.tenant_id == eventful.tenant_id
    )
    with acting_as(service_caller("customers", run.tenant_id)):
        await job.body(run)

    assert (schedule["job"], schedule["enabled"]) == (REFRESH_JOB, True)
    assert run.grant.scope == eventful.scope
    assert await listed(eventful)


async def test_a_venue_that_fails_holds_up_no_other_and_the_night_comes_back_to_it(
    handler, database, eventful, refreshing, listed
):
    other = History()
    other.tenant_id, other.scope = eventful.tenant_id, eventful.scope
    other.venue_id = UUID(int=eventful.venue_id.int - 1)  # whose turn is first
    other.log = [make.venue_updated(other.tenant_id, other.venue_id, time_zone=CLOCK.key)]
    other.steady(60, 10)
    await other.tell(handler)
    [job] = jobs_of(refreshing)
    grant = refresh_schedule(eventful.tenant_id).grant
    run = Run(uuid4(), REFRESH_JOB, "tonight", NOW, 1, {}, grant, uuid4())

    with acting_as(service_caller("customers", eventful.tenant_id)):
        await refreshing.refresh(eventful.scope, other.venue_id)
        async with held(database, eventful.scope, other.venue_id):
            with pytest.raises(RefreshIncomplete, match="1 of 2 venues") as failed:
                await job.body(run)
        first = await listed(eventful)
        await job.body(run)

    assert failed.value.kind.is_transient, "the run is tried again"
    assert first
    assert await listed(other)


@asynccontextmanager
async def held(database, scope, venue_id):
    """Somebody who holds what a refresh of the venue writes, for longer than a refresh waits."""
    began, may_end = asyncio.Event(), asyncio.Event()

    async def hold():
        async with database.transaction(scope) as conn:
            await conn.execute(
                "select from insight_refreshes where tenant_id = $1 and venue_id = $2 for update",
                scope.tenant_id,
                venue_id,
            )
            began.set()
            await may_end.wait()

    holding = asyncio.create_task(hold())
    await began.wait()
    try:
        yield
    finally:
        may_end.set()
        await holding
