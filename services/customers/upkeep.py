"""Partitions of the tables that every service has: made ahead of time, and dropped when they are too old."""

from datetime import UTC, datetime, timedelta
from typing import Final

from libs.common.bus.inbox import INBOX_PARTITIONS
from libs.common.jobs.queue import Run, Schedule
from libs.common.jobs.runner import Job
from libs.common.postgres.database import Database
from libs.common.postgres.maintenance import PartitionPlan, maintain_partitions

_JOB: Final = "upkeep.partitions"
_PLANS: Final = (
    INBOX_PARTITIONS,
    PartitionPlan("idempotency_keys", ahead=timedelta(days=3), keep=timedelta(days=2)),
)

SCHEDULES: Final = (Schedule.of_platform(_JOB, "10 * * * *", jitter=timedelta(minutes=5)),)


async def keep_partitions(worker: Database) -> None:
    """Make the partitions that are needed soon and drop those past retention; may run again at any time."""
    await maintain_partitions(worker, _PLANS, now=datetime.now(UTC))


def jobs_of(worker: Database) -> tuple[Job, ...]:
    """The body behind the schedule."""

    async def run(_run: Run) -> None:
        await keep_partitions(worker)

    return (Job(_JOB, run),)
