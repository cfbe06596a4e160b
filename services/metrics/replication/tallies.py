"""Counts and sums of both sides of the replica, by series and window."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from libs.common.buckets import Window
from libs.common.postgres.database import Database
from services.metrics.replication import influxql, points, store
from services.metrics.replication.influx import Group, Influx
from services.metrics.replication.points import NO_EVENT, POINTS, QUARTERS, RECORDED_BUCKET
from services.metrics.replication.streams import PLATFORM, RECORDED

_INFLUX_SECONDS: Final = 300.0
_TOLERANCE: Final = 1e-9
_OF_VALUES: Final = 'count("value") as "count", sum("value") as "total"'

# A comparison reads whole days and may take minutes.
_PATIENCE = "set local statement_timeout = '30min'"

# Grain: one series. Reads the raw rows of the window that the replica must have.
_RECORDED = """
select series_id, count(*) as row_count, sum(value) as total, sum(abs(value)) as magnitude
  from analytics_metrics
 where metric_time >= $1 and metric_time < $2 and committed_in < $3
 group by series_id
"""
# Grain: one platform series. `is_moving` marks those that the replica may not have in full yet.
_PLATFORM = """
select tenant_id, venue_id, event_id, figure, currency, count(*) as row_count, sum(value)::bigint as total,
       bool_or(committed_in >= $3) as is_moving
  from platform_series
 where bucket_start >= $1 and bucket_start < $2
 group by tenant_id, venue_id, event_id, figure, currency
"""


class PlatformKey(NamedTuple):
    """One platform series as its tags name it; an absent tag is empty."""

    figure: str
    tenant: str
    venue: str
    event: str
    currency: str


SeriesKey = int | PlatformKey


class Tally(NamedTuple):
    """Points of a series and window, and their sum."""

    point_count: int = 0
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class Difference:
    """A series whose copy is not what PostgreSQL holds; `measurement` says which copy."""

    stream: str
    series: SeriesKey
    window: Window
    measurement: str
    stored: Tally
    copied: Tally


class Comparison(NamedTuple):
    """What one window holds, and where the two sides differ."""

    series_count: int
    row_count: int
    differences: list[Difference]


class NothingCopied(Exception):
    """The stream has no epoch: it was never copied, or is being mended."""


async def compare_recorded(database: Database, influx: Influx, window: Window) -> Comparison:
    """Compare raw rows, points and quarter hours of a window, up to the replica's position.

    Raises:
        NothingCopied: There is nothing to compare with.
        DependencyUnavailable: A store is away.
    """
    async with database.infrastructure() as conn:
        position, _ = await store.select_position(conn, RECORDED)
        window = Window(max(window.start, position.covers_since), window.end)
        if not position.epoch:
            raise NothingCopied
        if window.start >= window.end:
            return Comparison(0, 0, [])
        await conn.execute(_PATIENCE)
        rows = await conn.fetch(_RECORDED, window.start, window.end, position.replicated_before)
    times, before = influxql.within(window), position.replicated_before
    statements = (
        influxql.selecting(POINTS, _OF_VALUES, times, f'"committed_in" < {before}', group_by='"series"'),
        influxql.selecting(
            QUARTERS,
            'sum("count") as "count", sum("sum") as "total"',
            times,
            influxql.tagged("epoch", position.epoch),
            f'"before" <= {before}',
            group_by='"series"',
        ),
    )
    single, quarters = await influx.query(RECORDED_BUCKET, "; ".join(statements), seconds=_INFLUX_SECONDS)
    stored = {row["series_id"]: Tally(row["row_count"], row["total"]) for row in rows}
    slack = {row["series_id"]: _TOLERANCE * row["magnitude"] for row in rows}
    differences = [
        Difference(RECORDED, series, window, measurement, stored.get(series, Tally()), copied)
        for measurement, groups in ((POINTS, single), (QUARTERS, quarters))
        for series, copied in _missing_too(_by_series(groups), stored).items()
        if not _is_equal(stored.get(series, Tally()), copied, slack.get(series, 0.0))
    ]
    return Comparison(len(stored), sum(one.point_count for one in stored.values()), differences)


async def compare_platform(database: Database, influx: Influx, window: Window) -> Comparison:
    """Compare platform series of a window; those that changed since they were last copied are left out.

    Raises:
        NothingCopied: There is nothing to compare with.
        DependencyUnavailable: A store is away.
    """
    async with database.infrastructure() as conn:
        position, _ = await store.select_position(conn, PLATFORM)
    if not position.epoch:
        raise NothingCopied
    found: dict[SeriesKey, Tally] = {}
    for bucket in points.PLATFORM_BUCKETS:
        statement = influxql.selecting(bucket, _OF_VALUES, influxql.within(window), group_by="*")
        (groups,) = await influx.query(bucket, statement, seconds=_INFLUX_SECONDS)
        found |= {_platform_key(group.tags): _tally(group.rows[0]) for group in groups}
    async with database.infrastructure() as conn:
        await conn.execute(_PATIENCE)
        rows = await conn.fetch(_PLATFORM, window.start, window.end, position.replicated_before)
    stored: dict[SeriesKey, Tally] = {
        _stored_key(row): Tally(row["row_count"], row["total"]) for row in rows if not row["is_moving"]
    }
    moving = {_stored_key(row) for row in rows if row["is_moving"]}
    differences = [
        Difference(PLATFORM, series, window, series.figure, stored.get(series, Tally()), copied)
        for series, copied in _missing_too(found, stored).items()
        if isinstance(series, PlatformKey)
        and series not in moving
        and not _is_equal(stored.get(series, Tally()), copied, 0.0)
    ]
    return Comparison(len(stored), sum(one.point_count for one in stored.values()), differences)


def _missing_too(copied: Mapping[SeriesKey, Tally], stored: Iterable[SeriesKey]) -> dict[SeriesKey, Tally]:
    return {series: Tally() for series in stored} | dict(copied)


def _is_equal(stored: Tally, copied: Tally, slack: float) -> bool:
    return stored.point_count == copied.point_count and abs(stored.total - copied.total) <= slack


def _by_series(groups: Iterable[Group]) -> dict[SeriesKey, Tally]:
    return {int(group.tags["series"]): _tally(group.rows[0]) for group in groups}


def _tally(row: Mapping[str, Any]) -> Tally:
    return Tally(row["count"], row["total"])


def _platform_key(tags: Mapping[str, str]) -> PlatformKey:
    return PlatformKey(
        tags["type"], tags["tenant"], tags["venue"], tags.get("event", ""), tags.get("currency", "")
    )


def _stored_key(row: Mapping[str, Any]) -> PlatformKey:
    event = "" if row["event_id"] == NO_EVENT else str(row["event_id"])
    return PlatformKey(row["figure"], str(row["tenant_id"]), str(row["venue_id"]), event, row["currency"])
