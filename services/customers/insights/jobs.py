"""The nightly refresh as a job: each tenant's own, under this service's identity for that tenant alone."""

from datetime import timedelta

import structlog

from libs.common.jobs.queue import Run
from libs.common.jobs.runner import Job
from services.customers.insights.refreshing import Refreshing
from services.customers.insights.schedule import REFRESH_JOB

_LONGEST_ATTEMPT = timedelta(hours=1)
_log = structlog.get_logger(__name__)


def jobs_of(refreshing: Refreshing) -> tuple[Job, ...]:
    """The body behind every tenant's schedule; an attempt that is cut short starts anew."""

    async def refresh(run: Run) -> None:
        done = await refreshing.refresh_all(run.grant.scope)
        _log.info(
            "findings were refreshed",
            venues=len(done),
            created=sum(each.created_count for each in done),
            expired=sum(each.expired_count for each in done),
        )

    return (Job(REFRESH_JOB, refresh, timeout=_LONGEST_ATTEMPT),)
