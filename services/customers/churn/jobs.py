"""The nightly run as a job: each tenant's own, under this service's identity for that tenant alone."""

from datetime import timedelta

from libs.common.jobs.queue import Run
from libs.common.jobs.runner import Job
from services.customers.churn.runs import ChurnRuns
from services.customers.churn.schedule import CHURN_JOB

_LONGEST_ATTEMPT = timedelta(hours=2)


def jobs_of(runs: ChurnRuns) -> tuple[Job, ...]:
    """The body behind every tenant's schedule; an attempt that is cut short starts anew."""

    async def fit(run: Run) -> None:
        await runs.run(run.grant.scope)

    return (Job(CHURN_JOB, fit, timeout=_LONGEST_ATTEMPT),)
