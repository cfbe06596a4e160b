"""Copies committed rows to InfluxDB: one process at a time, through outages, from wherever it stands."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

import structlog

from libs.common.errors import AnalyticsError
from libs.common.postgres.database import Database
from services.metrics.replication import gauges, store
from services.metrics.replication.influx import Influx
from services.metrics.replication.store import Position
from services.metrics.replication.streams import Stream

_LEASE: Final = timedelta(seconds=10)
_CHECK_SECONDS: Final = 5.0
_LONGEST_PAUSE: Final = 10.0
_REPORT_SECONDS: Final = 5.0
_QUARTER: Final = timedelta(minutes=15)
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Step:
    """One round of a stream: rows copied, and whether this process does the copying now."""

    row_count: int
    is_holder: bool
    is_level: bool


class Replicator:
    """Brings streams to the replica and keeps them there.

    A batch is planned (its end is stored), written, and then passed. Whoever finds a planned batch writes the
    same points again, so a process may die anywhere, and a former holder that wakes up does no harm. Each
    bucket carries a marker with the stream's epoch: a bucket without it was wiped and is filled anew.

    Args:
        database: Of the worker role.
        influx: The replica.
        streams: What is copied.
        poll_seconds: Pause while nothing is to be copied.
        batch_rows: Rows a batch aims at; it holds whole transactions.
        retention_days: Age of the oldest rows that are certainly still there.
    """

    def __init__(
        self,
        database: Database,
        influx: Influx,
        streams: Sequence[Stream],
        *,
        poll_seconds: float,
        batch_rows: int,
        retention_days: int,
    ) -> None:
        self._database = database
        self._influx = influx
        self._streams = tuple(streams)
        self._poll = poll_seconds
        self._batch_rows = batch_rows
        self._retention = timedelta(days=retention_days)
        self._holder = uuid4()
        self._checked: dict[str, float] = {}
        self._reported = -_REPORT_SECONDS
        self._stopping = asyncio.Event()

    @property
    def streams(self) -> tuple[Stream, ...]:
        return self._streams

    def stop(self) -> None:
        """Let the batch in hand finish, then let `run` return."""
        self._stopping.set()

    async def run(self) -> None:
        """Copy until `stop`; an InfluxDB that is away is tried ever more seldom."""
        pause = self._poll
        while not self._stopping.is_set():
            try:
                is_busy = False
                for stream in self._streams:
                    step = await self.step(stream)
                    is_busy = is_busy or (step.is_holder and not step.is_level)
                await self._report()
                pause = 0.0 if is_busy else self._poll
            except Exception as error:  # noqa: BLE001 - a replica in trouble must not end the service
                gauges.FAILURES.inc()
                self._checked.clear()
                pause = min(max(2 * pause, self._poll), _LONGEST_PAUSE)
                _log_failure(error)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()
        await self.release()

    async def release(self) -> None:
        """Let another process take over at once; without it the lease ends by itself."""
        with suppress(AnalyticsError):
            async with self._database.infrastructure() as conn:
                await store.release(conn, self._holder)

    async def step(self, stream: Stream) -> Step:
        """Copy one batch of a stream, if this process holds its lease.

        Raises:
            AnalyticsError: A store is away; nothing is lost, repeat.
        """
        async with self._database.infrastructure() as conn:
            position = await store.lease(conn, stream.name, self._holder, _LEASE)
        if position is None:
            return Step(0, is_holder=False, is_level=False)
        if time.monotonic() - self._checked.get(stream.name, -_CHECK_SECONDS) >= _CHECK_SECONDS:
            if not await self._is_filled_under(stream, position.epoch):
                await self._begin(stream, position)
                return Step(0, is_holder=True, is_level=False)
            self._checked[stream.name] = time.monotonic()
        planned = await self._planned(stream, position)
        if planned is None:
            return Step(0, is_holder=True, is_level=True)
        copied = await stream.copy(planned)
        async with self._database.infrastructure() as conn:
            await store.finish(conn, planned)
        gauges.ROWS.labels(stream.name).inc(copied)
        return Step(copied, is_holder=True, is_level=False)

    async def _planned(self, stream: Stream, position: Position) -> Position | None:
        """The stream's position with the end of its next batch; None when it is level."""
        if position.planned_before is not None:
            return position
        async with self._database.infrastructure() as conn:
            start = position.replicated_before
            end = await stream.end(conn, start, self._batch_rows)
            if end is None:
                await store.level(conn, stream.name, self._holder, await stream.waiting(conn, start))
                return None
            number = await store.plan(conn, stream.name, self._holder, end)
        if number is None:
            return None
        return Position(
            stream.name, position.epoch, position.covers_since, start, end, number, position.revision
        )

    async def _is_filled_under(self, stream: Stream, epoch: str) -> bool:
        """Whether every bucket has the marker of this epoch: a wiped or unknown one has not."""
        for bucket in stream.buckets:
            found = await self._influx.epoch(bucket)
            if not epoch or found != epoch:
                return False
        return True

    async def _begin(self, stream: Stream, position: Position) -> None:
        """Fill the replica from the start: its bucket was never filled, or wiped."""
        since = max(position.covers_since, _quarter_after(datetime.now(UTC) - self._retention))
        epoch, former = secrets.token_hex(4), await self._influx.epoch(stream.buckets[0])
        async with self._database.infrastructure() as conn:
            await store.revise(conn, stream.name)
        for bucket in stream.buckets:
            await self._influx.mark(bucket, "")
        if former:
            await stream.forget(former)
        async with self._database.infrastructure() as conn:
            await store.begin_epoch(conn, stream.name, self._holder, epoch, since)
        for bucket in stream.buckets:
            await self._influx.mark(bucket, epoch)
        gauges.REFILLS.labels(stream.name).inc()
        _log.info("replica is filled from the start", stream=stream.name, covers_since=since.isoformat())

    async def _report(self) -> None:
        if time.monotonic() - self._reported < _REPORT_SECONDS:
            return
        self._reported = time.monotonic()
        async with self._database.infrastructure() as conn:
            for stream in self._streams:
                _, lag = await store.select_position(conn, stream.name)
                gauges.LAG_SECONDS.labels(stream.name).set(lag.seconds)
                gauges.LAG_ROWS.labels(stream.name).set(lag.waiting_rows)


def _log_failure(error: Exception) -> None:
    if isinstance(error, AnalyticsError):
        _log.warning("replication waits", reason=error.reason, detail=error.message)
    else:
        _log.error("replication waits", exc_info=error)


def _quarter_after(moment: datetime) -> datetime:
    return moment + (_FIRST - moment) % _QUARTER
