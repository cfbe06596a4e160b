"""SQL of admissions over time and by show."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.metrics.rollup_buckets import Span, cut

# Grain: span (by the number of its bucket) and show. Whole days and quarters of an hour come from
# admission_rollup by its key, so the cost does not grow with scans; the edges, at most two of 15 minutes a
# bucket, from tickets by (tenant_id, first_admitted_at). The sums are lateral because the planner cannot see
# how narrow a range between two columns is. Row-level security limits all to the granted venues.
_ADMISSIONS = """
with counted as (
    select span.place, part.*
      from unnest($4::integer[], $5::smallint[], $6::timestamptz[], $7::timestamptz[])
           as span (place, bucket_minutes, start_time, end_time)
      cross join lateral (
           select event_id, sum(admitted_count) as admitted_count,
                  max(newest_fact_at) filter (where admitted_count <> 0) as newest_fact_at
             from admission_rollup
            where tenant_id = $1 and bucket_minutes = span.bucket_minutes
              and bucket_start >= span.start_time and bucket_start < span.end_time
              and (cardinality($2::uuid[]) = 0 or venue_id = any($2))
              and (cardinality($3::uuid[]) = 0 or event_id = any($3))
            group by event_id) as part
    union all
    select span.place, part.*
      from unnest($8::integer[], $9::timestamptz[], $10::timestamptz[]) as span (place, start_time, end_time)
      cross join lateral (
           select event_id, count(*), max(first_admitted_at)
             from tickets
            where tenant_id = $1
              and first_admitted_at >= span.start_time and first_admitted_at < span.end_time
              and (cardinality($2::uuid[]) = 0 or venue_id = any($2))
              and (cardinality($3::uuid[]) = 0 or event_id = any($3))
            group by event_id) as part
)
select place, case when $11::boolean then event_id end as event_id,
       sum(admitted_count)::bigint as admitted_count, max(newest_fact_at) as newest_fact_at
  from counted
 group by 1, 2
having sum(admitted_count) <> 0
 order by 1, 2
"""

# Grain: show. Index: ticket_status_counts_pkey.
_BY_SHOW = """
select event_id, sum(admitted_count)::bigint as admitted_count,
       sum(transferred_count)::bigint as transferred_count, max(newest_fact_at) as newest_fact_at
  from ticket_status_counts
 where tenant_id = $1 and event_id = any($2::uuid[])
 group by event_id
"""


class AdmissionRow(NamedTuple):
    """Tickets admitted first in one bucket; `place` counts from 0, `event_id` None stands for all shows."""

    place: int
    event_id: UUID | None
    admitted_count: int
    newest_fact_at: datetime


class ShowTickets(NamedTuple):
    """Tickets of one show that were admitted, and that were passed on without money, each counted once."""

    admitted_count: int
    transferred_count: int
    newest_fact_at: datetime


async def select_admissions(
    conn: Connection,
    tenant_id: UUID,
    edges: Sequence[datetime],
    *,
    venue_ids: Sequence[UUID],
    event_ids: Sequence[UUID],
    by_event: bool,
) -> list[AdmissionRow]:
    """Admissions in every bucket between ascending edges; buckets without any are left out."""
    cuts = [cut(Span(start, end)) for start, end in pairwise(edges)]
    buckets = [(place, minutes, *span) for place, part in enumerate(cuts) for minutes, span in part.buckets]
    rest = [(place, *edge) for place, part in enumerate(cuts) for edge in part.edges]
    rows = await conn.fetch(
        _ADMISSIONS,
        tenant_id,
        list(venue_ids),
        list(event_ids),
        *columns(buckets, 4),
        *columns(rest, 3),
        by_event,
    )
    return [AdmissionRow(*row) for row in rows]


async def select_by_show(
    conn: Connection, tenant_id: UUID, event_ids: Sequence[UUID]
) -> dict[UUID, ShowTickets]:
    """Tickets of the shows of which any is known."""
    rows = await conn.fetch(_BY_SHOW, tenant_id, list(event_ids))
    return {row["event_id"]: ShowTickets(*tuple(row)[1:]) for row in rows}
