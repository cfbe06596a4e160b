"""Use case: count rolled up values towards live minutes, in the transaction that keeps the values."""

from collections.abc import Sequence
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.live.keys import LiveKey
from services.metrics.rollups import Rollup

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
