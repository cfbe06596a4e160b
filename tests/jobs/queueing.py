"""Runs that are queued, looked at and worked off."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from libs.common.context import TenantScope
from libs.common.jobs.queue import Grant, enqueue
from libs.common.jobs.runner import JobRunner

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
