"""The nightly run as a job: each tenant's own, under this service's identity for that tenant alone."""

from datetime import UTC, datetime, timedelta

import structlog

from libs.common.jobs.queue import Run
from libs.common.jobs.runner import Job
from services.customers.rfm.rescoring import Rescoring
from services.customers.rfm.running import ScoredPlace
from services.customers.rfm.runs import ScoringRuns
from services.customers.rfm.schedule import SCORING_JOB

_LONGEST_ATTEMPT = timedelta(minutes=30)
_log = structlog.get_logger(__name__)


def jobs_of(runs: ScoringRuns, rescoring: Rescoring) -> tuple[Job, ...]:
    """The body behind every tenant's schedule; an attempt that is cut short has changed nothing."""

    async def score(run: Run) -> None:
        places: list[ScoredPlace] = []
        await runs.run(run.grant.scope, as_of=datetime.now(UTC), tell=places.append)
        await rescoring.catch_up(run.grant.scope)
        _log.info(
            "customers were scored",
            places=len(places),
            changed_rows=sum(place.changed_count for place in places),
            moves=sum(place.move_count for place in places),
        )

    return (Job(SCORING_JOB, score, timeout=_LONGEST_ATTEMPT),)
