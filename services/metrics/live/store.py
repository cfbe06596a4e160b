"""SQL that reads live minutes and versions."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.live.keys import LiveKey
from services.metrics.live.windows import WINDOW_MINUTES, LiveState, Window, window_starts

# Live metrics of one venue that are read together: what a snapshot holds at most.
MOST_METRICS: Final = 1000

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
