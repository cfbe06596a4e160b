"""Scheduled refreshes of the materialized views."""

from datetime import timedelta
from functools import partial
from typing import Final

from libs.common.jobs.queue import Run, Schedule
from libs.common.jobs.runner import Job
from services.customers.views.refreshes import LONGEST, VIEWS, Refreshes

_PREFIX: Final = "views.refresh."

SCHEDULES: Final = tuple(
    Schedule.of_platform(_PREFIX + view, "*/15 * * * *", jitter=timedelta(minutes=2)) for view in VIEWS
)


def jobs_of(refreshes: Refreshes) -> tuple[Job, ...]:
    """The bodies behind the schedules, one a view; each may run again at any time."""

    async def refresh(view: str, _run: Run) -> None:
        await refreshes.refresh(view)

    return tuple(Job(_PREFIX + view, partial(refresh, view), timeout=2 * LONGEST) for view in VIEWS)
