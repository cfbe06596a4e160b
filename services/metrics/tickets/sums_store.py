"""SQL of the sums kept over tickets and refused scans."""

from collections.abc import Collection
from uuid import UUID

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.metrics.tickets.sums import Deltas

# Every statement below: sorted by the table's key, so that two transactions that add to the same rows wait in
# one order.

# Grain: one row of the status counts. Index: ticket_status_counts_pkey.
_ADD_STATUS = """
insert into ticket_status_counts as kept (tenant_id, event_id, ticket_type_id, venue_id, newest_fact_at,
                                          admitted_count, inside_count, transferred_count, resold_count)
select $1, event_id, ticket_type_id, venue_id, newest_fact_at, admitted_count, inside_count,
       transferred_count, resold_count
  from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::bigint[], $7::bigint[],
              $8::bigint[], $9::bigint[])
       as new (event_id, ticket_type_id, venue_id, newest_fact_at, admitted_count, inside_count,
               transferred_count, resold_count)
 order by event_id, ticket_type_id, venue_id
on conflict (tenant_id, event_id, ticket_type_id, venue_id) do update
   set newest_fact_at = greatest(kept.newest_fact_at, excluded.newest_fact_at),
       admitted_count = kept.admitted_count + excluded.admitted_count,
       inside_count = kept.inside_count + excluded.inside_count,
       transferred_count = kept.transferred_count + excluded.transferred_count,
       resold_count = kept.resold_count + excluded.resold_count
"""

# Grain: one gate of a show. Index: gates_pkey. greatest() ignores the null of a gate without a scan.
_ADD_GATES = """
insert into gates as kept (tenant_id, event_id, gate, venue_id, admitted_count, refused_count, last_scan_at)
select $1, event_id, gate, venue_id, admitted_count, refused_count, last_scan_at
  from unnest($2::uuid[], $3::text[], $4::uuid[], $5::bigint[], $6::bigint[], $7::timestamptz[])
       as new (event_id, gate, venue_id, admitted_count, refused_count, last_scan_at)
 order by event_id, gate, venue_id
on conflict (tenant_id, event_id, gate, venue_id) do update
   set admitted_count = kept.admitted_count + excluded.admitted_count,
       refused_count = kept.refused_count + excluded.refused_count,
       last_scan_at = greatest(kept.last_scan_at, excluded.last_scan_at)
"""

# Grain: one minute of a gate. Index: gate_minutes_pkey. Minutes of months without a partition are past
# retention, or further ahead than clocks may be; no board shows them.
_ADD_MINUTES = """
insert into gate_minutes as kept (tenant_id, event_id, minute_start, gate, venue_id,
                                  admitted_count, refused_count)
select $1, event_id, minute_start, gate, venue_id, admitted_count, refused_count
  from unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::uuid[], $6::bigint[], $7::bigint[])
       as new (event_id, minute_start, gate, venue_id, admitted_count, refused_count)
 where to_regclass('public.gate_minutes_p' || to_char(minute_start at time zone 'UTC', 'YYYYMM')) is not null
 order by event_id, minute_start, gate, venue_id
on conflict (tenant_id, event_id, minute_start, gate, venue_id) do update
   set admitted_count = kept.admitted_count + excluded.admitted_count,
       refused_count = kept.refused_count + excluded.refused_count
"""

# Grain: one row of the rollup. Index: admission_rollup_pkey.
_ADD_ADMISSIONS = """
insert into admission_rollup as kept (tenant_id, bucket_minutes, bucket_start, event_id, venue_id,
                                      admitted_count, newest_fact_at)
select $1, bucket_minutes, bucket_start, event_id, venue_id, admitted_count, newest_fact_at
  from unnest($2::smallint[], $3::timestamptz[], $4::uuid[], $5::uuid[], $6::bigint[], $7::timestamptz[])
       as new (bucket_minutes, bucket_start, event_id, venue_id, admitted_count, newest_fact_at)
 order by bucket_minutes, bucket_start, event_id, venue_id
on conflict (tenant_id, bucket_minutes, bucket_start, event_id, venue_id) do update
   set admitted_count = kept.admitted_count + excluded.admitted_count,
       newest_fact_at = greatest(kept.newest_fact_at, excluded.newest_fact_at)
"""


async def add(conn: Connection, tenant_id: UUID, deltas: Deltas) -> None:
    """Carry changes of tickets and refused scans into the sums."""

    async def put(statement: str, rows: Collection[tuple[object, ...]]) -> None:
        if rows:
            await conn.execute(statement, tenant_id, *columns(rows, 0))

    await put(_ADD_STATUS, _status_rows(deltas))
    await put(_ADD_GATES, _gate_rows(deltas))
    await put(_ADD_MINUTES, _minute_rows(deltas))
    await put(_ADD_ADMISSIONS, _admission_rows(deltas))


def _status_rows(deltas: Deltas) -> list[tuple[object, ...]]:
    return [
        (
            *key,
            delta.newest_fact_at,
            delta.admitted_count,
            delta.inside_count,
            delta.transferred_count,
            delta.resold_count,
        )
        for key, delta in deltas.status.items()
    ]


def _gate_rows(deltas: Deltas) -> list[tuple[object, ...]]:
    keys = {*deltas.last_scans, *deltas.refused, *(key for key, count in deltas.admitted.items() if count)}
    return [(*key, deltas.admitted[key], deltas.refused[key], deltas.last_scans.get(key)) for key in keys]


def _minute_rows(deltas: Deltas) -> list[tuple[object, ...]]:
    keys = {*deltas.minutes_refused, *(key for key, count in deltas.minutes_admitted.items() if count)}
    return [(*key, deltas.minutes_admitted[key], deltas.minutes_refused[key]) for key in keys]


def _admission_rows(deltas: Deltas) -> list[tuple[object, ...]]:
    return [(*key, count, deltas.newest_admissions[key]) for key, count in deltas.admissions.items() if count]
