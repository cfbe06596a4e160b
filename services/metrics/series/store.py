"""SQL that reads series; the caller's transaction is bound to tenant and venue grant."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from libs.common.buckets import Window
from libs.common.postgres.database import Connection
from services.metrics.series.figures import Figures, Percentile, Point
from services.metrics.series.selection import Selection
from services.metrics.series.windows import Split

# Grain: one bucket that has values. Rollups between their own edges and raw rows outside of them, in one
# snapshot: exact wherever the window lies. Index: metric_series_venue_idx, then the primary key of the
# rollups and analytics_metrics_series_idx; the cost grows with series and quarter hours, not with raw rows.
_SELECT_BUCKETS = """
with wanted as materialized (
    select array(
        select series_id from metric_series
         where tenant_id = $1 and venue_id = $2 and metric_type = $3
           and ($4::jsonb is null or dimensions @> $4::jsonb)) as ids
), facts as (
    select bucket_start as at, value_count, value_sum, value_min, value_max, newest_time
      from analytics_aggregations
     where tenant_id = $1 and series_id = any((select ids from wanted)::bigint[])
       and bucket_start >= $6 and bucket_start < $7
    union all
    select metric_time, 1, value, value, value, metric_time
      from analytics_metrics
     where tenant_id = $1 and series_id = any((select ids from wanted)::bigint[])
       and metric_time >= $5 and metric_time < $6
    union all
    select metric_time, 1, value, value, value, metric_time
      from analytics_metrics
     where tenant_id = $1 and series_id = any((select ids from wanted)::bigint[])
       and metric_time >= $7 and metric_time < $8
)
select width_bucket(at, $9::timestamptz[]) as place,
       sum(value_count)::bigint as value_count,
       sum(value_sum) as value_sum,
       min(value_min) as value_min,
       max(value_max) as value_max,
       max(newest_time) as newest_time
  from facts
 group by place
"""

# Grain: one bucket that has values: what the replica does not tell. Raw rows outside of the whole quarter
# hours, and inside of them those of transactions that it has not copied. Index:
# analytics_metrics_series_idx for the edges, analytics_metrics_tail_idx for the rest.
_SELECT_BESIDE = """
with wanted as materialized (
    select array(
        select series_id from metric_series
         where tenant_id = $1 and venue_id = $2 and metric_type = $3
           and ($4::jsonb is null or dimensions @> $4::jsonb)) as ids
), late as materialized (
    select series_id, metric_time, value
      from analytics_metrics
     where tenant_id = $1 and committed_in >= $10::xid8 and metric_time >= $6 and metric_time < $7
), facts as (
    select metric_time, value
      from late
     where series_id = any((select ids from wanted)::bigint[])
    union all
    select metric_time, value
      from analytics_metrics
     where tenant_id = $1 and series_id = any((select ids from wanted)::bigint[])
       and metric_time >= $5 and metric_time < $6
    union all
    select metric_time, value
      from analytics_metrics
     where tenant_id = $1 and series_id = any((select ids from wanted)::bigint[])
       and metric_time >= $7 and metric_time < $8
)
select width_bucket(metric_time, $9::timestamptz[]) as place,
       count(*) as value_count,
       sum(value) as value_sum,
       min(value) as value_min,
       max(value) as value_max,
       max(metric_time) as newest_time
  from facts
 group by place
"""

# Grain: one series. Index: metric_series_venue_idx.
_SELECT_SERIES = """
select series_id from metric_series
 where tenant_id = $1 and venue_id = $2 and metric_type = $3
   and ($4::jsonb is null or dimensions @> $4::jsonb)
 order by series_id
 limit $5
"""

# Grain: one window. Reads every raw value of it: the caller has counted them before.
_SELECT_PERCENTILE = """
select percentile_cont($7) within group (order by value) as value,
       count(*) as value_count,
       max(metric_time) as newest_time
  from analytics_metrics
 where tenant_id = $1 and series_id = any(array(
        select series_id from metric_series
         where tenant_id = $1 and venue_id = $2 and metric_type = $3
           and ($4::jsonb is null or dimensions @> $4::jsonb)))
   and metric_time >= $5 and metric_time < $6
"""

# Grain: one raw row, in the order of (metric_time, point_id) across series. Each series gives at most a page
# by analytics_metrics_series_idx, so a page costs series x page size however many rows there are.
_SELECT_POINTS = """
select point.metric_time, point.point_id, point.value, point.metric_id, point.metadata,
metric_series.dimensions
  from metric_series
 cross join lateral (
       select metric_time, point_id, value, metric_id, metadata
         from analytics_metrics
        where tenant_id = $1 and series_id = metric_series.series_id
          and (metric_time, point_id) > ($5, $6) and metric_time < $7
        order by metric_time, point_id
        limit $8) as point
 where metric_series.tenant_id = $1 and metric_series.venue_id = $2 and metric_series.metric_type = $3
   and ($4::jsonb is null or metric_series.dimensions @> $4::jsonb)
 order by point.metric_time, point.point_id
 limit $8
"""


async def select_buckets(
    conn: Connection, selection: Selection, parts: Split, edges: Sequence[datetime]
) -> list[Figures]:
    """Figures of every bucket between the edges, of the facts inside the window only."""
    rows = await conn.fetch(_SELECT_BUCKETS, *_binds(selection, parts, edges))
    return _figures(rows, edges)


async def select_beside(
    conn: Connection, selection: Selection, parts: Split, edges: Sequence[datetime], since: int
) -> list[Figures]:
    """Figures of what the replica does not have: ragged edges, and transactions from `since` on."""
    rows = await conn.fetch(_SELECT_BESIDE, *_binds(selection, parts, edges), since)
    return _figures(rows, edges)


async def select_series(conn: Connection, selection: Selection, limit: int) -> list[int]:
    """Ids of the selected series, at most so many."""
    return [row["series_id"] for row in await conn.fetch(_SELECT_SERIES, *selection.binds(), limit)]


async def select_percentile(
    conn: Connection, selection: Selection, window: Window, fraction: float
) -> Percentile:
    """The exact percentile of the window's raw values, by linear interpolation between ranks."""
    row = await conn.fetchrow(_SELECT_PERCENTILE, *selection.binds(), window.start, window.end, fraction)
    assert row is not None
    return Percentile(row["value"], row["value_count"], row["newest_time"])


async def select_points(
    conn: Connection, selection: Selection, after: tuple[datetime, int], end: datetime, limit: int
) -> list[Point]:
    """At most `limit` raw rows after a position (time, point id), before `end`."""
    rows = await conn.fetch(_SELECT_POINTS, *selection.binds(), *after, end, limit)
    return [_point(row) for row in rows]


def _binds(selection: Selection, parts: Split, edges: Sequence[datetime]) -> tuple[Any, ...]:
    return (
        *selection.binds(),
        parts.window.start,
        parts.rolled_start,
        parts.rolled_end,
        parts.window.end,
        list(edges),
    )


def _figures(rows: "Sequence[asyncpg.Record]", edges: Sequence[datetime]) -> list[Figures]:
    figures = [Figures()] * (len(edges) - 1)
    for row in rows:
        figures[row["place"] - 1] = Figures(
            row["value_count"], row["value_sum"], row["value_min"], row["value_max"], row["newest_time"]
        )
    return figures


def _point(row: "asyncpg.Record") -> Point:
    return Point(
        time=row["metric_time"],
        point_id=row["point_id"],
        value=row["value"],
        metric_id=row["metric_id"],
        metadata=None if row["metadata"] is None else json.loads(row["metadata"]),
        dimensions=json.loads(row["dimensions"]),
    )
