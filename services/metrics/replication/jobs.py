"""Scheduled work on the replica: the daily proof."""

from datetime import UTC, datetime, timedelta
from typing import Final

from libs.common.jobs.queue import Run, Schedule
from libs.common.jobs.runner import Job
from services.metrics.replication.reconciliation import Reconciliation
from services.metrics.replication.tallies import NothingCopied

_RECONCILE: Final = "replication.reconcile"
_LOOK_BACK: Final = timedelta(days=35)
_AHEAD: Final = timedelta(days=1)

SCHEDULES: Final = (Schedule.of_platform(_RECONCILE, "20 3 * * *", jitter=timedelta(minutes=20)),)


def jobs_of(reconciliation: Reconciliation) -> tuple[Job, ...]:
    """The body behind the schedule: the last weeks are compared and mended; older days by the command."""

    async def reconcile(_run: Run) -> None:
        now = datetime.now(UTC)
        try:
            await reconciliation.run(now - _LOOK_BACK, now + _AHEAD)
        except NothingCopied:  # it is being filled: the next night compares
            return

    return (Job(_RECONCILE, reconcile, timeout=timedelta(hours=2)),)
