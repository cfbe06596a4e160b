"""Erasures as jobs, each under this service's identity for its tenant alone."""

from datetime import timedelta
from uuid import UUID

from libs.common.jobs.queue import Run
from libs.common.jobs.runner import Job
from services.customers.privacy.cleaning import SECOND_JOB, Cleaning
from services.customers.privacy.erasing import ERASE_JOB

_LONGEST_ATTEMPT = timedelta(minutes=10)
_MOST_ATTEMPTS = 100  # over a day: a store that is away must not end an erasure


def jobs_of(cleaning: Cleaning) -> tuple[Job, ...]:
    """The bodies behind an erasure's two runs."""

    async def first(run: Run) -> None:
        await cleaning.first(run.grant.scope, UUID(run.arguments["erasure_id"]))

    async def second(run: Run) -> None:
        await cleaning.second(run.grant.scope, UUID(run.arguments["erasure_id"]))

    return (
        Job(ERASE_JOB, first, timeout=_LONGEST_ATTEMPT, max_attempts=_MOST_ATTEMPTS),
        Job(SECOND_JOB, second, timeout=_LONGEST_ATTEMPT, max_attempts=_MOST_ATTEMPTS),
    )
