"""Rewrites what a comparison found to differ, while nobody copies or reads the replica."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from libs.common.buckets import Window
from libs.common.postgres.database import Database
from services.metrics.replication import influxql, points, store
from services.metrics.replication.influx import Influx
from services.metrics.replication.points import BUCKET_OF_FIGURE, POINTS, QUARTERS, RECORDED_BUCKET, Batch
from services.metrics.replication.store import Position
from services.metrics.replication.tallies import Difference, NothingCopied, PlatformKey

_LEASE: Final = timedelta(seconds=60)
_STEP: Final = timedelta(hours=1)
_SECONDS: Final = 30.0
_RETRY_SECONDS: Final = 0.05

# Grain: one platform figure. Index: the primary key.
_SELECT_PLATFORM = """
select tenant_id, venue_id, event_id, figure, currency, value,
       (extract(epoch from bucket_start) * 1000000)::bigint as micros
  from platform_series
 where tenant_id = $1 and venue_id = $2 and bucket_start >= $3 and bucket_start < $4
   and event_id = $5 and figure = $6 and currency = $7
"""


class Mender:
    """Replaces copied points by what PostgreSQL holds.

    Args:
        database: Of the worker role.
        influx: The replica.
    """

    def __init__(self, database: Database, influx: Influx) -> None:
        self._database = database
        self._influx = influx
        self._holder = uuid4()

    async def mend(self, difference: Difference) -> None:
        """Rewrite one series within the difference's window.

        Raises:
            NothingCopied: The replica is being filled anew, which mends everything.
            DependencyUnavailable: A store is away; the replica is not read until it was filled again.
        """
        async with self._alone(difference.stream) as position:
            if isinstance(difference.series, PlatformKey):
                await self._mend_platform(difference.series, difference.window)
            else:
                await self._mend_recorded(difference.series, difference.window, position)

    @asynccontextmanager
    async def _alone(self, stream: str) -> AsyncIterator[Position]:
        """The stream between two batches, kept from replicator and readers while the body runs."""
        taken: Position | None = None
        while taken is None:
            async with self._database.infrastructure() as conn:
                position, _ = await store.select_position(conn, stream)
                if not position.epoch:
                    raise NothingCopied
                taken = await store.take_to_mend(conn, stream, self._holder, position.epoch, _LEASE)
            if taken is None:
                await asyncio.sleep(_RETRY_SECONDS)
        yield replace(taken, epoch=position.epoch)
        async with self._database.infrastructure() as conn:
            await store.give_back(conn, stream, self._holder, position.epoch)

    async def _mend_recorded(self, series_id: int, window: Window, position: Position) -> None:
        for measurement in (POINTS, QUARTERS):
            await self._delete(
                RECORDED_BUCKET, measurement, influxql.tagged("series", str(series_id)), window
            )
        async with self._database.infrastructure() as conn:
            series = await store.select_series(conn, [series_id])
        if not series:
            return
        batch = Batch(position.epoch, position.batch_number, position.replicated_before)
        tags = {series_id: points.tags_of(series[0])}
        start = window.start
        while start < window.end:
            part = (start, min(start + _STEP, window.end))
            async with self._database.infrastructure() as conn:
                rows = await store.series_rows(
                    conn, series[0]["tenant_id"], series_id, part, position.replicated_before
                )
            await self._influx.write(RECORDED_BUCKET, points.recorded_lines(rows, tags, batch))
            start = part[1]

    async def _mend_platform(self, series: PlatformKey, window: Window) -> None:
        bucket = BUCKET_OF_FIGURE[series.figure]
        tags = {
            "type": series.figure,
            "tenant": series.tenant,
            "venue": series.venue,
            "event": series.event,
            "currency": series.currency,
        }
        where = " and ".join(influxql.tagged(tag, value) for tag, value in tags.items())
        await self._delete(bucket, bucket, where, window)
        async with self._database.infrastructure() as conn:
            rows = await conn.fetch(_SELECT_PLATFORM, *_binds(series, window))
        for own, lines in points.platform_lines(rows).items():
            await self._influx.write(own, lines)

    async def _delete(self, bucket: str, measurement: str, where: str, window: Window) -> None:
        statement = influxql.deleting(measurement, where, influxql.within(window))
        await self._influx.query(bucket, statement, seconds=_SECONDS)


def _binds(series: PlatformKey, window: Window) -> tuple[object, ...]:
    event_id = UUID(series.event) if series.event else points.NO_EVENT
    tenant_id, venue_id = UUID(series.tenant), UUID(series.venue)
    return (tenant_id, venue_id, window.start, window.end, event_id, series.figure, series.currency)
