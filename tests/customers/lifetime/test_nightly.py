"""Nightly runs: when a tenant's begin, and whom each is over."""

from datetime import UTC, datetime
from uuid import UUID

from libs.common.jobs.runner import JobRunner
from services.customers.lifetime import recording
from services.customers.lifetime.jobs import jobs_of
from services.customers.lifetime.schedule import FIT_ID
from tests.customers.lifetime.conftest import orders_of
from tests.customers.lifetime.histories import START, Row


async def test_a_tenants_first_order_schedules_its_nightly_run_once(as_admin, apply, tenant_id, venue_ids):
    rows = [Row(0, UUID(int=1), START), Row(0, UUID(int=2), START)]

    await apply(orders_of(tenant_id, venue_ids, rows[:1]))
    await apply(orders_of(tenant_id, venue_ids, rows[1:]))

    (schedule,) = await as_admin.fetch(
        "select id, cron, subject from job_schedules where tenant_id = $1 and job = 'lifetime.fit'", tenant_id
    )
    assert (schedule["id"], schedule["subject"]) == (FIT_ID, "service:customers")
    assert recording.TYPES == ("order.completed",)


async def test_the_nightly_job_fits_its_own_tenant(
    as_admin, worker_database, runs, apply, tenant_id, venue_ids
):
    await apply(orders_of(tenant_id, venue_ids, [Row(0, UUID(int=1), START)]))
    await as_admin.execute("update job_schedules set next_due_at = now() where tenant_id = $1", tenant_id)
    runner = JobRunner(worker_database, service="customers", jobs=jobs_of(runs))

    while not await as_admin.fetchval("select count(*) from lifetime_runs where tenant_id = $1", tenant_id):
        await as_admin.execute("update job_runs set claimable_at = now() where state = 'waiting'")
        await runner.step(now=datetime.now(UTC))
        await runner.idle()

    states = await as_admin.fetch(
        "select state from job_runs where tenant_id = $1 and job = 'lifetime.fit'", tenant_id
    )
    assert [row["state"] for row in states] == ["succeeded"]
