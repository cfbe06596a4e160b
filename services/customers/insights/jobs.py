"""The nightly refresh as a job: each tenant's own, under this service's identity for that tenant alone."""

from datetime import timedelta

import structlog

from libs.common.jobs.queue import Run
from libs.common.jobs.runner import Job
from services.customers.errors import RefreshIncomplete
from services.customers.insights.refreshing import Refreshing
from services.customers.insights.schedule import REFRESH_JOB

_LONGEST_ATTEMPT = timedelta(hours=1)
_log = structlog.get_logger(__name__)


def jobs_of(refreshing: Refreshing) -> tuple[Job, ...]:
    """The body behind every tenant's schedule; an attempt that is cut short starts anew."""

    async def refresh(run: Run) -> None:
        night = await refreshing.refresh_all(run.grant.scope)
        _log.info(
            "findings were refreshed",
            venues=len(night.done),
            failed_venues=len(night.failed),
            created=sum(each.created_count for each in night.done),
            expired=sum(each.expired_count for each in night.done),
        )
        for venue_id, error in night.failed.items():
            _log.error("a venue's findings could not be refreshed", venue_id=str(venue_id), exc_info=error)
        if night.failed:
            total = len(night.done) + len(night.failed)
            raise RefreshIncomplete(f"{len(night.failed)} of {total} venues could not be refreshed")

    return (Job(REFRESH_JOB, refresh, timeout=_LONGEST_ATTEMPT),)
