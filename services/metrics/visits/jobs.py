"""Scheduled work on visits."""

from datetime import timedelta
from typing import Final

from libs.common.jobs.queue import Run, Schedule
from libs.common.jobs.runner import Job
from services.metrics.visits.retention import VisitRetention

_RETENTION: Final = "visits.retention"

SCHEDULES: Final = (Schedule.of_platform(_RETENTION, "25 * * * *", jitter=timedelta(minutes=5)),)


def jobs_of(retention: VisitRetention) -> tuple[Job, ...]:
    """The bodies behind the schedules; they may run again at any time."""

    async def forget(_run: Run) -> None:
        await retention.forget()

    return (Job(_RETENTION, forget),)
