"""Compares PostgreSQL with the replica window by window, and mends what differs."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from libs.common.buckets import Window
from libs.common.postgres.database import Database
from services.metrics.replication import gauges
from services.metrics.replication.influx import Influx
from services.metrics.replication.mending import Mender
from services.metrics.replication.tallies import Comparison, compare_platform, compare_recorded

_DAY: Final = timedelta(days=1)

# Grain: the service. Index: none by time alone, so it reads all rows of the oldest partitions; rarely asked.
_OLDEST = """
select least((select min(bucket_start) from platform_series),
             (select min(metric_time) from analytics_metrics)) as oldest
"""

_log = structlog.get_logger()


class Reconciliation:
    """Proves that the replica holds what PostgreSQL holds.

    Args:
        database: Of the worker role.
        influx: The replica.
    """

    def __init__(self, database: Database, influx: Influx) -> None:
        self._database = database
        self._influx = influx
        self._mender = Mender(database, influx)

    async def compare(self, windows: Iterator[Window]) -> AsyncIterator[tuple[Window, Comparison]]:
        """Both streams of each window together.

        Raises:
            NothingCopied: The replica was never filled, or is being mended.
            DependencyUnavailable: A store is away.
        """
        for window in windows:
            recorded = await compare_recorded(self._database, self._influx, window)
            platform = await compare_platform(self._database, self._influx, window)
            yield (
                window,
                Comparison(
                    recorded.series_count + platform.series_count,
                    recorded.row_count + platform.row_count,
                    recorded.differences + platform.differences,
                ),
            )

    async def mend(self, comparison: Comparison) -> None:
        """Rewrite every series that differs, once each."""
        once = {(one.stream, one.series): one for one in comparison.differences}
        for difference in once.values():
            await self._mender.mend(difference)

    async def run(self, since: datetime, until: datetime) -> int:
        """Compare days and mend them; returns how many series and days differed."""
        count = 0
        async for window, comparison in self.compare(days(since, until)):
            if comparison.differences:
                count += len(comparison.differences)
                _log.error(
                    "the replica differed",
                    day=window.start.date().isoformat(),
                    difference_count=len(comparison.differences),
                )
                await self.mend(comparison)
        gauges.DIFFERENCES.set(count)
        return count

    async def oldest(self) -> datetime | None:
        """Time of the oldest row of either stream; None without rows."""
        async with self._database.infrastructure() as conn:
            await conn.execute("set local statement_timeout = '30min'")
            found: datetime | None = await conn.fetchval(_OLDEST)
        return found


def days(since: datetime, until: datetime) -> Iterator[Window]:
    """Whole UTC days from that of `since` to that of `until`."""
    return _cut(since.replace(hour=0, minute=0, second=0, microsecond=0), until, lambda day: day + _DAY)


def months(since: datetime, until: datetime) -> Iterator[Window]:
    """Whole UTC months from that of `since` to that of `until`."""
    first = since.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return _cut(first, until, lambda month: (month + 32 * _DAY).replace(day=1))


def _cut(start: datetime, until: datetime, following: Callable[[datetime], datetime]) -> Iterator[Window]:
    while start <= until:
        end = following(start)
        yield Window(start.astimezone(UTC), end.astimezone(UTC))
        start = end
