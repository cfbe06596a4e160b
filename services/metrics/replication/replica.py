"""The replica as readers see it: where it stands, and whether its answers may be used."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs.common.errors import DependencyUnavailable
from libs.common.postgres.database import Connection, Database
from services.metrics.replication import gauges, influxql, points, store
from services.metrics.replication.influx import Group, Influx, epoch_in
from services.metrics.replication.streams import RECORDED

_REMEMBERED_SECONDS: Final = 0.5
_LONGEST_LAG_SECONDS: Final = 10.0
_MOST_WAITING: Final = 50_000
_PAUSE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Standing:
    """All rows of transactions before `before`, from `since` on, are in the replica under `epoch`."""

    epoch: str
    before: int
    since: datetime
    revision: int


class Replica:
    """Answers from the replica of recorded metrics, or the refusal to give one.

    After a failure nobody asks for some seconds: an ill InfluxDB costs one caller its timeout, not all.

    Args:
        database: Of the app role.
        influx: The replica.
    """

    def __init__(self, database: Database, influx: Influx) -> None:
        self._database = database
        self._influx = influx
        self._standing: Standing | None = None
        self._looked_at = -_REMEMBERED_SECONDS
        self._paused_until = 0.0

    async def standing(self) -> Standing | None:
        """Where the replica stands; None while it is behind, being mended, or was ill a moment ago.

        It may be half a second old: what came since is read beside the replica.
        """
        now = time.monotonic()
        if now < self._paused_until:
            return None
        if now - self._looked_at >= _REMEMBERED_SECONDS:
            async with self._database.infrastructure() as conn:
                position, lag = await store.select_position(conn, RECORDED)
            is_usable = lag.seconds <= _LONGEST_LAG_SECONDS and lag.waiting_rows <= _MOST_WAITING
            self._standing = (
                Standing(position.epoch, position.replicated_before, position.covers_since, position.revision)
                if is_usable and position.epoch
                else None
            )
            self._looked_at = now
        return self._standing

    async def ask(self, standing: Standing, statement: str) -> list[Group]:
        """The answer to one InfluxQL statement, from a replica that was not wiped.

        Raises:
            DependencyUnavailable: No answer, or the replica is not the one that this standing speaks of.
        """
        try:
            marker, answer = await self._influx.query(
                points.RECORDED_BUCKET, f"{influxql.marker()}; {statement}"
            )
        except DependencyUnavailable:
            self._pause()
            raise
        if epoch_in(marker) != standing.epoch:
            self._pause()
            raise DependencyUnavailable("InfluxDB was emptied", dependency="influx")
        return answer

    async def is_unchanged(self, conn: Connection, standing: Standing) -> bool:
        """Whether no point that this standing speaks of was replaced until now."""
        position, _ = await store.select_position(conn, RECORDED)
        return (position.epoch, position.revision) == (standing.epoch, standing.revision)

    def _pause(self) -> None:
        self._paused_until = time.monotonic() + _PAUSE_SECONDS

    def report_unused(self) -> None:
        gauges.FALLBACKS.inc()
