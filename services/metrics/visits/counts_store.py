"""SQL of unique sessions over buckets of time, and of those active now."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.visits.active_store import Interval
from services.metrics.visits.tallies import NO_SHOW

# Grain: bucket ($4: its edges, ascending). A session's day that lies within one bucket counts there as it is;
# one that an edge cuts is resolved from its facts, by session_activity_pkey, so the cost follows the sessions
# of the window, not their page views. Index: session_days_pkey by venue, show ($3; zero id: all facts) and
# days ($5: the day of the first edge); order_sessions_by_time. Row-level security on venues limits a
# tenant-wide answer to the granted ones. $6: only orders of these shows; empty: all.
_COUNTS = """
with chosen as materialized (
    select venue_id
      from venues
     where tenant_id = $1 and (cardinality($2::uuid[]) = 0 or venue_id = any($2::uuid[]))
), spans as materialized (
    select kept.venue_id, kept.event_id, kept.session_id, kept.first_visit_at, kept.last_visit_at,
           kept.first_cart_at is not null as has_cart,
           width_bucket(kept.first_visit_at, $4::timestamptz[]) as first_place,
           width_bucket(kept.last_visit_at, $4::timestamptz[]) as last_place
      from chosen
      join session_days as kept on kept.venue_id = chosen.venue_id
     where kept.tenant_id = $1 and kept.event_id = any($3::uuid[])
       and kept.day >= $5::timestamptz and kept.day < ($4::timestamptz[])[cardinality($4::timestamptz[])]
       and kept.last_visit_at >= ($4::timestamptz[])[1]
       and kept.first_visit_at < ($4::timestamptz[])[cardinality($4::timestamptz[])]
), facts as (
    select first_place as place, session_id, true as has_visit, has_cart, false as has_order,
           last_visit_at as newest_fact_at
      from spans
     where first_place = last_place
    union all
    select part.place, spans.session_id, true, part.has_cart, false, part.newest_fact_at
      from spans
      cross join lateral (
           select width_bucket(happened_at, $4::timestamptz[]) as place, bool_or(step = 3) as has_cart,
                  max(happened_at) as newest_fact_at
             from session_activity
            where tenant_id = $1 and venue_id = spans.venue_id and session_id = spans.session_id
              and happened_at >= greatest(spans.first_visit_at, ($4::timestamptz[])[1])
              and happened_at <= spans.last_visit_at
              and happened_at < ($4::timestamptz[])[cardinality($4::timestamptz[])]
              and spans.event_id in (event_id, '00000000-0000-0000-0000-000000000000')
            group by 1) as part
     where spans.first_place <> spans.last_place
    union all
    select width_bucket(sold_at, $4::timestamptz[]), session_id, false, false, true, sold_at
      from chosen
      join order_sessions as sale on sale.venue_id = chosen.venue_id
     where sale.tenant_id = $1 and sale.sold_at >= ($4::timestamptz[])[1]
       and sale.sold_at < ($4::timestamptz[])[cardinality($4::timestamptz[])]
       and (cardinality($6::uuid[]) = 0 or sale.event_ids && $6::uuid[])
), sessions as (
    select place, session_id, bool_or(has_visit) as has_visit, bool_or(has_cart) as has_cart,
           bool_or(has_order) as has_order, max(newest_fact_at) as newest_fact_at
      from facts
     group by place, session_id
)
select place - 1 as place, count(*) filter (where has_visit) as visitor_count,
       count(*) filter (where has_order) as ordering_session_count, count(*) as session_count,
       count(*) filter (where has_cart) as cart_session_count, max(newest_fact_at) as newest_fact_at
  from sessions
 group by place
 order by place
"""

# Grain: one number. Index: sessions_by_activity. A session at two venues counts once.
_ACTIVE_COUNT = """
select count(distinct session_id)
  from venues
  join sessions using (tenant_id, venue_id)
 where tenant_id = $1 and ($2::uuid is null or venue_id = $2) and last_seen_at >= $3
   and last_seen_at < $4
"""


class VisitCounts(NamedTuple):
    """Unique sessions of one bucket (`place`: its number, from 0).

    `visitor_count` saw a page, changed a cart or began a checkout; `ordering_session_count` has an order that
    stands; `session_count` did either; `cart_session_count` changed a cart.
    """

    place: int
    visitor_count: int
    ordering_session_count: int
    session_count: int
    cart_session_count: int
    newest_fact_at: datetime


async def select_counts(
    conn: Connection,
    tenant_id: UUID,
    edges: Sequence[datetime],
    venue_ids: Sequence[UUID],
    event_ids: Sequence[UUID],
) -> list[VisitCounts]:
    """Buckets in which anything happened, in their order."""
    first_day = edges[0].replace(hour=0, minute=0, second=0, microsecond=0)
    rows = await conn.fetch(
        _COUNTS,
        tenant_id,
        list(venue_ids),
        list(event_ids) or [NO_SHOW],
        list(edges),
        first_day,
        list(event_ids),
    )
    return [VisitCounts(**dict(row)) for row in rows]


async def select_active_count(
    conn: Connection, tenant_id: UUID, venue_id: UUID | None, active: Interval
) -> int:
    """Sessions that are active, at one venue or at all that the transaction sees."""
    count: int = await conn.fetchval(_ACTIVE_COUNT, tenant_id, venue_id, active.since, active.until)
    return count
