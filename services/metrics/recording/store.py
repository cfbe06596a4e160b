"""SQL that writes one tenant's group of rows; the caller's transaction is bound to that tenant."""

import io
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from libs.common.postgres.database import Connection
from services.metrics.recording.copy_format import binary_copy
from services.metrics.recording.rows import Rows
from services.metrics.rollups import Rollup

COPY_FROM_ROWS: Final = 256  # below it, arrays cost less than the two extra round trips of COPY

# Grain: one metric id of the last seven days. An id seen longer ago is free again, whether or not it was
# cleaned up. Sorted, so that groups with common ids wait for each other in one order. Answers the ids that
# were not free.
_CLAIM_METRIC_IDS = """
with given as (
    select metric_id from unnest($2::uuid[]) as one (metric_id)
), claimed as (
    insert into metric_ids as known (tenant_id, metric_id, seen_at)
    select $1, metric_id, now() from given order by metric_id
    on conflict (tenant_id, metric_id) do update set seen_at = excluded.seen_at
     where known.seen_at <= excluded.seen_at - interval '7 days'
    returning metric_id
)
select metric_id from given where not exists (select from claimed where claimed.metric_id = given.metric_id)
"""

# PostgreSQL refuses COPY into a table with row-level security: rows go through a temporary table of the
# connection.
_MAKE_STAGE = """
create temporary table if not exists staged_metrics (
    series_id bigint, metric_time timestamptz, value double precision, metric_id uuid, metadata jsonb
) on commit delete rows
"""
_STAGE_COLUMNS: Final = ("series_id", "metric_time", "value", "metric_id", "metadata")
_INSERT_STAGED = """
insert into analytics_metrics (tenant_id, series_id, metric_time, value, metric_id, metadata)
select $1, series_id, metric_time, value, metric_id, metadata
  from pg_temp.staged_metrics
"""

_INSERT_FEW = """
insert into analytics_metrics (tenant_id, series_id, metric_time, value, metric_id, metadata)
select $1, series_id, to_timestamp(micros / 1e6), value, metric_id, metadata
  from unnest($2::bigint[], $3::bigint[], $4::double precision[], $5::uuid[], $6::jsonb[])
       as new (series_id, micros, value, metric_id, metadata)
"""

# Grain: one series, 15 minutes, writer slot. Index: the primary keys. Keys arrive sorted: writers that share
# a slot lock them in one order.
_ADD_TO_ROLLUPS = """
insert into analytics_aggregations as kept
       (tenant_id, series_id, bucket_start, writer_slot, value_count, value_sum, value_min, value_max,
       newest_time)
select $1, series_id, to_timestamp(bucket / 1e6), $2, value_count, value_sum, value_min, value_max,
       to_timestamp(newest / 1e6)
  from unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::double precision[], $7::double precision[],
              $8::double precision[], $9::bigint[])
       as new (series_id, bucket, value_count, value_sum, value_min, value_max, newest)
on conflict (tenant_id, series_id, bucket_start, writer_slot) do update
   set value_count = kept.value_count + excluded.value_count,
       value_sum = kept.value_sum + excluded.value_sum,
       value_min = least(kept.value_min, excluded.value_min),
       value_max = greatest(kept.value_max, excluded.value_max),
       newest_time = greatest(kept.newest_time, excluded.newest_time)
"""


async def claim_metric_ids(conn: Connection, tenant_id: UUID, metric_ids: Sequence[bytes]) -> set[bytes]:
    """Take these distinct ids; the ones that were taken within the last seven days are returned."""
    rows = await conn.fetch(_CLAIM_METRIC_IDS, tenant_id, [UUID(bytes=one) for one in metric_ids])
    return {row["metric_id"].bytes for row in rows}


async def insert_rows(conn: Connection, tenant_id: UUID, rows: Rows) -> None:
    """Store raw rows."""
    if len(rows) < COPY_FROM_ROWS:
        await _insert_few(conn, tenant_id, rows)
    else:
        await _insert_many(conn, tenant_id, rows)


async def add_to_rollups(conn: Connection, tenant_id: UUID, slot: int, rollup: Rollup) -> None:
    """Add groups of rows, keyed by series, to this writer's 15-minute rollups."""
    series, buckets, counts, sums, minima, maxima, newest, _ = rollup.columns()
    await conn.execute(
        _ADD_TO_ROLLUPS, tenant_id, slot, series, buckets, counts, sums, minima, maxima, newest
    )


async def _insert_many(connection: "asyncpg.Connection[asyncpg.Record]", tenant_id: UUID, rows: Rows) -> None:
    await connection.execute(_MAKE_STAGE)
    await connection.copy_to_table(
        "staged_metrics",
        schema_name="pg_temp",
        source=io.BytesIO(binary_copy(rows)),
        columns=_STAGE_COLUMNS,
        format="binary",
    )
    await connection.execute(_INSERT_STAGED, tenant_id)


async def _insert_few(connection: "asyncpg.Connection[asyncpg.Record]", tenant_id: UUID, rows: Rows) -> None:
    metric_ids = [UUID(bytes=one) if one else None for one in rows.metric_ids] or [None] * len(rows)
    await connection.execute(
        _INSERT_FEW,
        tenant_id,
        rows.series.tolist(),
        rows.times.tolist(),
        rows.values.tolist(),
        metric_ids,
        [rows.metadata.get(at) for at in range(len(rows))],
    )
