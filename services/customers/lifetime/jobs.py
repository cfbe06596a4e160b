"""The nightly run as a job: each tenant's own, under this service's identity for that tenant alone."""

from datetime import timedelta

from libs.common.jobs.queue import Run
from libs.common.jobs.runner import Job
from services.customers.lifetime.runs import LifetimeRuns
from services.customers.lifetime.schedule import FIT_JOB

_LONGEST_ATTEMPT = timedelta(hours=2)


def jobs_of(runs: LifetimeRuns) -> tuple[Job, ...]:
    """The body behind every tenant's schedule; an attempt that is cut short has changed nothing."""

    async def fit(run: Run) -> None:
        await runs.run(run.grant.scope)

    return (Job(FIT_JOB, fit, timeout=_LONGEST_ATTEMPT),)
