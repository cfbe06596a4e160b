"""Use case: unique sessions over buckets of time, by venue and by show."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.visits.tallies import NO_SHOW

# Grain: bucket ($4: its edges, ascending), and venue ($6) and show ($7) where these are asked for. A day of a
# session that lies within one bucket counts there as it is; one that an edge cuts is resolved from its facts,
# by session_activity_pkey. Index: session_days_pkey by venue and days ($5: the day of the first edge), and by
# show where shows are given ($3); by show without any given, every show's rows of the window's months are
# read, as many as sessions looked at shows. order_sessions_by_time. Row-level security on venues limits a
# tenant-wide answer to the granted ones.
_LABELLED_COUNTS = """
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
     where kept.tenant_id = $1
       and case when cardinality($3::uuid[]) > 0 then kept.event_id = any($3::uuid[])
                when $7::boolean then kept.event_id <> $8::uuid
                else kept.event_id = $8 end
       and kept.day >= $5::timestamptz and kept.day < ($4::timestamptz[])[cardinality($4::timestamptz[])]
       and kept.last_visit_at >= ($4::timestamptz[])[1]
       and kept.first_visit_at < ($4::timestamptz[])[cardinality($4::timestamptz[])]
), facts as (
    select first_place as place, venue_id, event_id, session_id, true as has_visit, has_cart,
           false as has_order, last_visit_at as newest_fact_at
      from spans
     where first_place = last_place
    union all
    select part.place, spans.venue_id, spans.event_id, spans.session_id, true, part.has_cart, false,
           part.newest_fact_at
      from spans
      cross join lateral (
           select width_bucket(happened_at, $4::timestamptz[]) as place, bool_or(step = 3) as has_cart,
                  max(happened_at) as newest_fact_at
             from session_activity
            where tenant_id = $1 and venue_id = spans.venue_id and session_id = spans.session_id
              and happened_at >= greatest(spans.first_visit_at, ($4::timestamptz[])[1])
              and happened_at <= spans.last_visit_at
              and happened_at < ($4::timestamptz[])[cardinality($4::timestamptz[])]
              and spans.event_id in (event_id, $8::uuid)
            group by 1) as part
     where spans.first_place <> spans.last_place
    union all
    select width_bucket(sold_at, $4::timestamptz[]), sale.venue_id, show.event_id, session_id, false, false,
           true, sold_at
      from chosen
      join order_sessions as sale on sale.venue_id = chosen.venue_id
      cross join lateral unnest(case when $7 then sale.event_ids else array[$8::uuid] end)
           as show (event_id)
     where sale.tenant_id = $1 and sale.sold_at >= ($4::timestamptz[])[1]
       and sale.sold_at < ($4::timestamptz[])[cardinality($4::timestamptz[])]
       and (cardinality($3::uuid[]) = 0 or sale.event_ids && $3::uuid[])
       and (not $7 or cardinality($3::uuid[]) = 0 or show.event_id = any($3::uuid[]))
), sessions as (
    select place, case when $6::boolean then venue_id end as venue_id,
           case when $7::boolean then event_id end as event_id, session_id,
           bool_or(has_visit) as has_visit, bool_or(has_cart) as has_cart, bool_or(has_order) as has_order,
           max(newest_fact_at) as newest_fact_at
      from facts
     group by 1, 2, 3, session_id
)
select place - 1 as place, venue_id, event_id, count(*) filter (where has_visit) as visitor_count,
       count(*) filter (where has_order) as ordering_session_count, count(*) as session_count,
       count(*) filter (where has_cart) as cart_session_count,
       count(*) filter (where has_cart and not has_order) as abandoned_session_count,
       max(newest_fact_at) as newest_fact_at
  from sessions
 group by place, venue_id, event_id
 order by place, venue_id, event_id
 limit $9
"""


class LabelledCounts(NamedTuple):
    """Unique sessions of one bucket, venue and show; labels that were not asked for are None.

    The counts are those of `VisitCounts`; `abandoned_session_count` are sessions with a cart and no order
    that stands.
    """

    place: int
    venue_id: UUID | None
    event_id: UUID | None
    visitor_count: int
    ordering_session_count: int
    session_count: int
    cart_session_count: int
    abandoned_session_count: int
    newest_fact_at: datetime


async def select_labelled_counts(
    conn: Connection,
    tenant_id: UUID,
    edges: Sequence[datetime],
    *,
    venue_ids: Sequence[UUID] = (),
    event_ids: Sequence[UUID] = (),
    by_venue: bool = False,
    by_event: bool = False,
    limit: int,
) -> list[LabelledCounts]:
    """Buckets in which anything happened, by bucket, venue and show.

    A session counts once a row. By show, and with shows given, only what is about a show counts.

    Args:
        conn: A transaction of the tenant; its venue grant limits the answer.
        tenant_id: The tenant.
        edges: Ascending instants, UTC: n + 1 edges make n buckets, exact wherever they lie.
        venue_ids: Only these venues; empty: all.
        event_ids: Only these shows; empty: all.
        by_venue: Whether to tell venues apart.
        by_event: Whether to tell shows apart.
        limit: Most rows.
    """
    first_day = edges[0].replace(hour=0, minute=0, second=0, microsecond=0)
    rows = await conn.fetch(
        _LABELLED_COUNTS,
        tenant_id,
        list(venue_ids),
        list(event_ids),
        list(edges),
        first_day,
        by_venue,
        by_event,
        NO_SHOW,
        limit,
    )
    return [LabelledCounts(*row) for row in rows]
