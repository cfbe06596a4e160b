"""Scheduled work on recorded metrics."""

from datetime import timedelta
from typing import Final

from libs.common.jobs.queue import Run, Schedule
from libs.common.jobs.runner import Job
from services.metrics.recording.upkeep import Upkeep

_PARTITIONS: Final = "recording.partitions"
_METRIC_IDS: Final = "recording.metric-ids"

SCHEDULES: Final = (
    Schedule.of_platform(_PARTITIONS, "10 * * * *", jitter=timedelta(minutes=5)),
    Schedule.of_platform(_METRIC_IDS, "40 * * * *", jitter=timedelta(minutes=5)),
)


def jobs_of(upkeep: Upkeep) -> tuple[Job, ...]:
    """The bodies behind the schedules; both may run again at any time."""

    async def keep_partitions(_run: Run) -> None:
        await upkeep.keep_partitions()

    async def forget_metric_ids(_run: Run) -> None:
        await upkeep.forget_metric_ids()

    return (Job(_PARTITIONS, keep_partitions), Job(_METRIC_IDS, forget_metric_ids))
