"""The nightly check as a job: each tenant's own run, under this service's identity for that tenant alone."""

from datetime import timedelta

import structlog

from libs.common.jobs.queue import Run
from libs.common.jobs.runner import Job
from services.metrics.daily.check import DailyCheck
from services.metrics.daily.schedule import CHECK_JOB

_LONGEST_ATTEMPT = timedelta(minutes=30)
_log = structlog.get_logger(__name__)


def jobs_of(check: DailyCheck) -> tuple[Job, ...]:
    """The body behind every tenant's schedule; an attempt goes on where the one before stopped."""

    async def check_days(run: Run) -> None:
        repaired = compared = 0
        async for month in check.run(run.grant.scope, due_at=run.scheduled_at):
            repaired += month.repaired_row_count
            compared += 1
        _log.info("days were checked", months=compared, repaired_rows=repaired)

    return (Job(CHECK_JOB, check_days, timeout=_LONGEST_ATTEMPT),)
