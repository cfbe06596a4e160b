"""What a working process does for the replica: copies rows, and proves it daily."""

from collections.abc import Coroutine
from typing import Any

from libs.common.jobs.queue import Schedule
from libs.common.jobs.runner import Job
from libs.common.postgres.database import Database
from services.metrics.replication import jobs
from services.metrics.replication.influx import Influx
from services.metrics.replication.reconciliation import Reconciliation
from services.metrics.replication.replicator import Replicator
from services.metrics.replication.streams import PlatformSeries, RecordedMetrics
from services.metrics.settings import MetricsSettings


def replicator_of(database: Database, influx: Influx, settings: MetricsSettings) -> Replicator:
    """A replicator of both streams.

    Args:
        database: Of the worker role.
        influx: The replica.
        settings: Of the service.
    """
    return Replicator(
        database,
        influx,
        (RecordedMetrics(database, influx), PlatformSeries(database, influx)),
        poll_seconds=settings.replication_poll_seconds,
        batch_rows=settings.replication_batch_rows,
        retention_days=settings.retention_days,
    )


class ReplicationWork:
    """Work on the replica; nothing at all without an InfluxDB.

    Args:
        database: Of the worker role.
        influx: The replica, or None.
        settings: Of the service.
    """

    def __init__(self, database: Database, influx: Influx | None, settings: MetricsSettings) -> None:
        self._replicator = None if influx is None else replicator_of(database, influx, settings)
        self.jobs: tuple[Job, ...] = ()
        self.schedules: tuple[Schedule, ...] = ()
        if influx is not None:
            self.jobs, self.schedules = jobs.jobs_of(Reconciliation(database, influx)), jobs.SCHEDULES

    def works(self) -> dict[str, Coroutine[Any, Any, None]]:
        """Work that runs until `stop`, by name."""
        return {} if self._replicator is None else {"replicator": self._replicator.run()}

    def stop(self) -> None:
        """Let the batch in hand finish."""
        if self._replicator is not None:
            self._replicator.stop()
