"""The two streams of rows to InfluxDB: recorded metrics, and series of platform facts."""

from typing import Final, Protocol

from libs.common.postgres.database import Connection, Database
from services.metrics.replication import influxql, points, store
from services.metrics.replication.influx import Influx
from services.metrics.replication.points import Batch
from services.metrics.replication.store import Position

RECORDED: Final = "recorded"
PLATFORM: Final = "platform"
_MAX_REMEMBERED: Final = 200_000


class Stream(Protocol):
    """Rows that are copied in the order of their transactions; copying a batch again changes nothing."""

    @property
    def name(self) -> str: ...

    @property
    def buckets(self) -> tuple[str, ...]: ...

    async def end(self, conn: Connection, start: int, row_count: int) -> int | None:
        """Before which ended transaction a batch ends; None when nothing is there."""

    async def waiting(self, conn: Connection, start: int) -> int:
        """Rows from a transaction on, counted to a limit."""

    async def copy(self, position: Position) -> int:
        """Write the planned batch; returns how many rows it has."""

    async def forget(self, epoch: str) -> None:
        """Delete points that a new epoch does not overwrite."""


class RecordedMetrics:
    """Raw rows as points, and what each batch adds to the quarter hours of its series.

    Args:
        database: Of the worker role.
        influx: The replica.
    """

    name = RECORDED
    buckets = (points.RECORDED_BUCKET,)

    def __init__(self, database: Database, influx: Influx) -> None:
        self._database = database
        self._influx = influx
        self._tags: dict[int, str] = {}

    async def end(self, conn: Connection, start: int, row_count: int) -> int | None:
        return await store.recorded_end(conn, start, row_count)

    async def waiting(self, conn: Connection, start: int) -> int:
        return await store.recorded_waiting(conn, start)

    async def copy(self, position: Position) -> int:
        assert position.planned_before is not None
        async with self._database.infrastructure() as conn:
            rows = await store.recorded_rows(
                conn, position.replicated_before, position.planned_before, position.covers_since
            )
            tags = await self.tags(conn, {row["series_id"] for row in rows})
        batch = Batch(position.epoch, position.batch_number, position.planned_before)
        await self._influx.write(points.RECORDED_BUCKET, points.recorded_lines(rows, tags, batch))
        return len(rows)

    async def forget(self, epoch: str) -> None:
        statement = influxql.deleting(points.QUARTERS, influxql.tagged("epoch", epoch))
        await self._influx.query(points.RECORDED_BUCKET, statement, seconds=60)

    async def tags(self, conn: Connection, series_ids: set[int]) -> dict[int, str]:
        """Tags of these series; names never change, so they are remembered."""
        if len(self._tags) > _MAX_REMEMBERED:
            self._tags.clear()
        if unknown := series_ids - self._tags.keys():
            rows = await store.select_series(conn, sorted(unknown))
            self._tags |= {row["series_id"]: points.tags_of(row) for row in rows}
        return {series_id: self._tags[series_id] for series_id in series_ids}


class PlatformSeries:
    """Figures of platform facts; absolute values, so an epoch overwrites the one before.

    Args:
        database: Of the worker role.
        influx: The replica.
    """

    name = PLATFORM
    buckets = points.PLATFORM_BUCKETS

    def __init__(self, database: Database, influx: Influx) -> None:
        self._database = database
        self._influx = influx

    async def end(self, conn: Connection, start: int, row_count: int) -> int | None:
        return await store.platform_end(conn, start, row_count)

    async def waiting(self, conn: Connection, start: int) -> int:
        return await store.platform_waiting(conn, start)

    async def copy(self, position: Position) -> int:
        assert position.planned_before is not None
        async with self._database.infrastructure() as conn:
            rows = await store.platform_rows(conn, position.replicated_before, position.planned_before)
        for bucket, lines in points.platform_lines(rows).items():
            await self._influx.write(bucket, lines)
        return len(rows)

    async def forget(self, epoch: str) -> None:
        """Nothing: every point has one place in all epochs."""
