"""Where buckets come from: PostgreSQL alone, or the replica and what it does not have yet."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from libs.common.buckets import microseconds
from libs.common.context import TenantScope
from libs.common.errors import DependencyUnavailable
from libs.common.postgres.database import Database
from services.metrics.replication.influx import Group, Influx
from services.metrics.replication.replica import Replica
from services.metrics.series import asking, store
from services.metrics.series.figures import Figures
from services.metrics.series.selection import Selection
from services.metrics.series.windows import Split

_MOST_SERIES: Final = 300
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_log = structlog.get_logger()


class BucketSource(Protocol):
    """Figures of the buckets between edges, of the window's facts only: the same from every source."""

    async def buckets(
        self, scope: TenantScope, selection: Selection, parts: Split, edges: Sequence[datetime]
    ) -> list[Figures]: ...


class NotReplicated(Exception):
    """The replica cannot answer this question now."""


class PostgresBuckets:
    """Rollups and the raw rows around them, in one snapshot."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def buckets(
        self, scope: TenantScope, selection: Selection, parts: Split, edges: Sequence[datetime]
    ) -> list[Figures]:
        async with self._database.transaction(scope) as conn:
            return await store.select_buckets(conn, selection, parts, edges)


class ReplicatedBuckets:
    """Quarter hours from the replica, up to its position; rows of later transactions from PostgreSQL.

    Both parts are cut at one transaction number, so every row counts once: one that arrives late, or whose
    transaction was open while later ones committed, lies on one side of it. The window's ragged edges come
    from raw rows. Rows are read after the replica was asked, so own writes are in the answer.
    """

    def __init__(self, database: Database, replica: Replica) -> None:
        self._database = database
        self._replica = replica

    async def buckets(
        self, scope: TenantScope, selection: Selection, parts: Split, edges: Sequence[datetime]
    ) -> list[Figures]:
        """The figures.

        Raises:
            NotReplicated: The replica is behind, was replaced meanwhile, or does not cover the window.
            DependencyUnavailable: It is ill.
        """
        standing = await self._replica.standing()
        grain = asking.grain_of(parts, edges)
        if standing is None or grain is None or parts.rolled_start < standing.since:
            raise NotReplicated
        series_ids = await self._series(scope, selection)
        groups = await self._replica.ask(
            standing, asking.statement(selection, series_ids, parts, grain, standing)
        )
        async with self._database.transaction(scope) as conn:
            late = await store.select_beside(conn, selection, parts, edges, standing.before)
            if not await self._replica.is_unchanged(conn, standing):
                raise NotReplicated
        copied = _placed(groups, parts, edges)
        return [_together(copied.get(place), one) for place, one in enumerate(late)]

    async def _series(self, scope: TenantScope, selection: Selection) -> Sequence[int] | None:
        """Ids of the series with the asked dimensions; None when all of the metric are meant."""
        if not selection.dimensions:
            return None
        async with self._database.transaction(scope) as conn:
            series_ids = await store.select_series(conn, selection, _MOST_SERIES + 1)
        if not series_ids or len(series_ids) > _MOST_SERIES:
            raise NotReplicated
        return series_ids


class PreferReplica:
    """The replica while it keeps up, PostgreSQL in every other case: no caller sees an error of InfluxDB."""

    def __init__(self, replicated: ReplicatedBuckets, postgres: PostgresBuckets, replica: Replica) -> None:
        self._replicated = replicated
        self._postgres = postgres
        self._replica = replica

    async def buckets(
        self, scope: TenantScope, selection: Selection, parts: Split, edges: Sequence[datetime]
    ) -> list[Figures]:
        try:
            return await self._replicated.buckets(scope, selection, parts, edges)
        except NotReplicated:
            pass
        except DependencyUnavailable as error:
            if error.metadata.get("dependency") != "influx":
                raise
            _log.warning("series are read without the replica", detail=error.message)
        self._replica.report_unused()
        return await self._postgres.buckets(scope, selection, parts, edges)


def bucket_source(database: Database, influx: Influx | None) -> BucketSource:
    """The source of a process: with an InfluxDB the replica is preferred."""
    postgres = PostgresBuckets(database)
    if influx is None:
        return postgres
    replica = Replica(database, influx)
    return PreferReplica(ReplicatedBuckets(database, replica), postgres, replica)


def _placed(groups: Sequence[Group], parts: Split, edges: Sequence[datetime]) -> dict[int, Figures]:
    """Figures by bucket; a group of the answer may begin before the window, its points do not."""
    bounds = [microseconds(edge) for edge in edges]
    first = microseconds(parts.rolled_start)
    placed: dict[int, Figures] = {}
    for row in (row for group in groups for row in group.rows):
        place = bisect_right(bounds, max(row["time"] // 1000, first)) - 1
        placed[place] = _together(placed.get(place), _figures(row))
    return placed


def _figures(row: Any) -> Figures:
    newest = _EPOCH + timedelta(microseconds=row["newest"])
    return Figures(row["count"], float(row["sum"]), float(row["min"]), float(row["max"]), newest)


def _together(one: Figures | None, other: Figures) -> Figures:
    if one is None or not one.count:
        return other
    if not other.count:
        return one
    assert one.newest_time is not None
    assert other.newest_time is not None
    return Figures(
        one.count + other.count,
        one.sum + other.sum,
        min(one.minimum, other.minimum),
        max(one.maximum, other.maximum),
        max(one.newest_time, other.newest_time),
    )
