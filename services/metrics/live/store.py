"""SQL of the live minutes and versions."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.live.keys import LiveKey
from services.metrics.live.windows import WINDOW_MINUTES, LiveState, Window, window_starts
from services.metrics.recording.rollups import Rollup

# Live metrics of one venue that are read together: what a snapshot holds at most.
MOST_METRICS: Final = 1000

# Grain: one live metric, minute and writer slot; and one live metric and slot for its version. Index: the
# primary keys; keys arrive sorted, and minutes come before versions in every writer, so writers lock in one
# order.
_ADD_MINUTES = """
insert into realtime_metrics as kept
       (tenant_id, venue_id, metric_type, currency, minute_start, writer_slot,
        value_count, value_sum, value_min, value_max, last_value, last_time)
select $1, venue_id, metric_type, currency, to_timestamp(minute / 1e6), $2,
       value_count, value_sum, value_min, value_max, last_value, to_timestamp(last_micros / 1e6)
  from unnest($3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::double precision[],
              $9::double precision[], $10::double precision[], $11::double precision[], $12::bigint[])
       as new (venue_id, metric_type, currency, minute, value_count, value_sum, value_min, value_max,
               last_value, last_micros)
on conflict (tenant_id, venue_id, metric_type, currency, minute_start, writer_slot) do update
   set value_count = kept.value_count + excluded.value_count,
       value_sum = kept.value_sum + excluded.value_sum,
       value_min = least(kept.value_min, excluded.value_min),
       value_max = greatest(kept.value_max, excluded.value_max),
       last_value = case when excluded.last_time >= kept.last_time then excluded.last_value
                         else kept.last_value end,
       last_time = greatest(kept.last_time, excluded.last_time)
"""
_ADD_VERSIONS = """
insert into realtime_versions as kept
       (tenant_id, venue_id, metric_type, currency, writer_slot, version, updated_at)
select $1, venue_id, metric_type, currency, $2, 1, now()
  from unnest($3::uuid[], $4::text[], $5::text[]) as new (venue_id, metric_type, currency)
on conflict (tenant_id, venue_id, metric_type, currency, writer_slot) do update
   set version = kept.version + 1,
       updated_at = excluded.updated_at
"""

# Grain: one live metric with its three windows side by side. Reads at most 60 minutes x slots of each, by the
# primary keys. One statement, so versions and sums are of one snapshot: an equal version means equal facts.
_SELECT_STATES = """
with wanted as (
    select venue_id, metric_type, currency, sum(version)::bigint as version, max(updated_at) as updated_at
      from realtime_versions
     where tenant_id = $1 and venue_id = any($2::uuid[])
       and ($3::text[] is null or metric_type = any($3::text[]))
     group by venue_id, metric_type, currency
), ranked as (
    select venue_id, metric_type, currency, version, updated_at,
           row_number() over (partition by venue_id order by updated_at desc, metric_type, currency) as place
      from wanted
)
select venue_id, metric_type, currency, version, updated_at, minutes.*
  from ranked
 cross join lateral (
       select coalesce(sum(value_count) filter (where minute_start = $6), 0)::bigint as count_1,
              coalesce(sum(value_sum) filter (where minute_start = $6), 0) as sum_1,
              min(value_min) filter (where minute_start = $6) as min_1,
              max(value_max) filter (where minute_start = $6) as max_1,
              (array_agg(last_value order by last_time desc, writer_slot)
                  filter (where minute_start = $6))[1] as last_1,
              coalesce(sum(value_count) filter (where minute_start >= $5), 0)::bigint as count_5,
              coalesce(sum(value_sum) filter (where minute_start >= $5), 0) as sum_5,
              min(value_min) filter (where minute_start >= $5) as min_5,
              max(value_max) filter (where minute_start >= $5) as max_5,
              (array_agg(last_value order by last_time desc, writer_slot)
                  filter (where minute_start >= $5))[1] as last_5,
              coalesce(sum(value_count), 0)::bigint as count_60,
              coalesce(sum(value_sum), 0) as sum_60,
              min(value_min) as min_60,
              max(value_max) as max_60,
              (array_agg(last_value order by last_time desc, writer_slot))[1] as last_60,
              max(last_time) as newest_time
         from realtime_metrics
        where tenant_id = $1 and venue_id = ranked.venue_id and metric_type = ranked.metric_type
          and currency = ranked.currency and minute_start >= $4 and minute_start <= $6
       ) as minutes
 where $7::bigint is null or place <= $7
 order by venue_id, metric_type, currency
"""

# Grain: one live metric of any tenant. For the worker role; no values. Index: realtime_versions_updated_idx
# finds the pages of what changed lately, however many metrics there are; then the primary key finds their
# other slots.
_SELECT_RECENT_VERSIONS = """
with recent as materialized (
    select distinct tenant_id, venue_id, metric_type, currency
      from realtime_versions
     where updated_at >= now() - $1::interval
)
select recent.*, slots.version
  from recent
 cross join lateral (
       select sum(version)::bigint as version, max(updated_at) as updated_at
         from realtime_versions as kept
        where kept.tenant_id = recent.tenant_id and kept.venue_id = recent.venue_id
          and kept.metric_type = recent.metric_type and kept.currency = recent.currency
       ) as slots
 where slots.updated_at <= now() - $2::interval
"""


class RecentVersion(NamedTuple):
    """The version of one live metric of some tenant."""

    tenant_id: UUID
    key: LiveKey
    version: int


async def add_minutes(
    conn: Connection, tenant_id: UUID, slot: int, keys: Sequence[LiveKey], minutes: Rollup
) -> None:
    """Add to this writer's live minutes and count up the versions of their metrics.

    Args:
        conn: Transaction of the tenant.
        tenant_id: The tenant.
        slot: The writer's slot.
        keys: Live metrics, sorted.
        minutes: One-minute groups, keyed by place in `keys`.
    """
    places, starts, counts, sums, minima, maxima, newest, last = minutes.columns()
    await conn.execute(
        _ADD_MINUTES,
        tenant_id,
        slot,
        [keys[at].venue_id for at in places],
        [keys[at].metric_type for at in places],
        [keys[at].currency for at in places],
        starts,
        counts,
        sums,
        minima,
        maxima,
        last,
        newest,
    )
    await conn.execute(
        _ADD_VERSIONS,
        tenant_id,
        slot,
        [key.venue_id for key in keys],
        [key.metric_type for key in keys],
        [key.currency for key in keys],
    )


async def select_states(
    conn: Connection,
    tenant_id: UUID,
    venue_ids: Collection[UUID],
    now: datetime,
    metric_types: Collection[str] | None = None,
    *,
    most: int | None,
) -> list[LiveState]:
    """The live metrics of these venues as they stand at `now`, ordered by key.

    Metrics without a value in the last hour have empty windows. `most` keeps to those of each venue that
    changed last.
    """
    starts = window_starts(now)
    rows = await conn.fetch(
        _SELECT_STATES,
        tenant_id,
        list(venue_ids),
        None if metric_types is None else list(metric_types),
        starts[60],
        starts[5],
        starts[1],
        most,
    )
    return [_state(row, starts) for row in rows]


async def select_recent_versions(
    conn: Connection, *, since: timedelta, until: timedelta
) -> list[RecentVersion]:
    """Versions of live metrics that last changed between two ages; for the worker role."""
    rows = await conn.fetch(_SELECT_RECENT_VERSIONS, since, until)
    return [
        RecentVersion(
            row["tenant_id"], LiveKey(row["venue_id"], row["metric_type"], row["currency"]), row["version"]
        )
        for row in rows
    ]


def _state(row: Any, starts: Mapping[int, datetime]) -> LiveState:
    return LiveState(
        key=LiveKey(row["venue_id"], row["metric_type"], row["currency"]),
        version=row["version"],
        updated_at=row["updated_at"],
        newest_time=row["newest_time"],
        windows=tuple(
            Window(
                minutes=minutes,
                start=starts[minutes],
                count=row[f"count_{minutes}"],
                sum=row[f"sum_{minutes}"],
                minimum=row[f"min_{minutes}"],
                maximum=row[f"max_{minutes}"],
                last=row[f"last_{minutes}"],
            )
            for minutes in WINDOW_MINUTES
        ),
    )
