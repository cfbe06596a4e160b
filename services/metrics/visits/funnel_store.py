"""SQL of the conversion funnel."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.metrics.rollup_buckets import Span, cut
from services.metrics.visits.tallies import NO_SHOW

# Grain: one show that the caller may see. Index: events_pkey.
_EVENT = """
select exists (select
                 from events
                where tenant_id = $1 and event_id = $2 and ($3::uuid is null or venue_id = $3))
"""

# In the server's default memory, grouping a month's sessions spills to disk and takes three times as long.
_MORE_MEMORY = "set local work_mem = '32MB'"

# Grain: the funnel of one window [$4, $5). Reads session_days by venue, show ($3; the zero id: all) and days
# ($6: the day of the start), and resolves only those that the window cuts from session_activity by its key,
# so the cost follows the sessions of the window, not their page views; orders by order_sessions_by_time,
# admissions by tickets_by_admission. All orders are counted from sales_rollup ($7 to $9) and, at the window's
# edges ($10, $11), order_lines: in this one statement, so that those without a session are the difference
# within one snapshot. Row-level security on venues limits a tenant-wide answer to the granted ones.
_FUNNEL = """
with chosen as materialized (
    select venue_id
      from venues
     where tenant_id = $1 and ($2::uuid is null or venue_id = $2)
), spans as not materialized (
    select kept.*
      from chosen
      join session_days as kept on kept.venue_id = chosen.venue_id
     where kept.tenant_id = $1 and kept.event_id = $3 and kept.day >= $6::timestamptz and kept.day < $5
       and kept.last_visit_at >= $4 and kept.first_visit_at < $5
), days as (
    select session_id, first_visit_at as visit_at, first_event_page_at as event_page_at,
           first_cart_at as cart_at, first_checkout_at as checkout_at, last_visit_at as newest_fact_at
      from spans
     where first_visit_at >= $4 and last_visit_at < $5
    union all
    select spans.session_id, part.*
      from spans
      cross join lateral (
           select min(happened_at) as visit_at, min(happened_at) filter (where step = 2) as event_page_at,
                  min(happened_at) filter (where step = 3) as cart_at,
                  min(happened_at) filter (where step = 4) as checkout_at, max(happened_at) as newest_fact_at
             from session_activity
            where tenant_id = $1 and venue_id = spans.venue_id and session_id = spans.session_id
              and happened_at >= greatest(spans.first_visit_at, $4)
              and happened_at <= spans.last_visit_at and happened_at < $5
              and $3 in (event_id, '00000000-0000-0000-0000-000000000000')) as part
     where (spans.first_visit_at < $4 or spans.last_visit_at >= $5) and part.visit_at is not null
), visits as (
    select session_id, min(visit_at) as visit_at, min(event_page_at) as event_page_at,
           min(cart_at) as cart_at, min(checkout_at) as checkout_at, max(newest_fact_at) as newest_fact_at
      from days
     group by session_id
), orders_of_sessions as (
    select session_id, min(sold_at) as order_at, max(sold_at) as newest_fact_at, count(*) as order_count
      from chosen
      join order_sessions as sale on sale.venue_id = chosen.venue_id
     where sale.tenant_id = $1 and sale.sold_at >= $4 and sale.sold_at < $5
       and ($3 = '00000000-0000-0000-0000-000000000000' or $3 = any(sale.event_ids))
     group by session_id
), scans as (
    select sale.session_id, min(ticket.first_admitted_at) as scan_at,
           max(ticket.first_admitted_at) as newest_fact_at
      from tickets as ticket
      join order_sessions as sale on sale.tenant_id = ticket.tenant_id and sale.order_id = ticket.order_id
     where ticket.tenant_id = $1 and ticket.first_admitted_at >= $4 and ticket.first_admitted_at < $5
       and ticket.venue_id in (select venue_id from chosen) and sale.venue_id in (select venue_id from chosen)
       and $3 in (ticket.event_id, '00000000-0000-0000-0000-000000000000')
     group by sale.session_id
), arrivals as (
    select visit_at, event_page_at, cart_at, checkout_at, order_at, scan_at,
           greatest(visit.newest_fact_at, sale.newest_fact_at, scan.newest_fact_at) as newest_fact_at,
           coalesce(sale.order_count, 0) as order_count,
           case when scan_at is not null then 6 when order_at is not null then 5
                when checkout_at is not null then 4 when cart_at is not null then 3
                when event_page_at is not null or $3 <> '00000000-0000-0000-0000-000000000000' then 2
                else 1 end as step
      from visits as visit
      full join orders_of_sessions as sale using (session_id)
      left join scans as scan using (session_id)
), booked as (
    select coalesce(sum(order_count), 0)::bigint as order_count
      from (
        select case $3 when '00000000-0000-0000-0000-000000000000' then sum(sold.order_count)
                       else sum(sold.event_order_count) filter (where sold.event_id = $3) end as order_count
          from unnest($7::smallint[], $8::timestamptz[], $9::timestamptz[])
               as span (bucket_minutes, start_time, end_time)
          cross join chosen
          join sales_rollup as sold
            on sold.tenant_id = $1 and sold.venue_id = chosen.venue_id
           and sold.bucket_minutes = span.bucket_minutes
           and sold.bucket_start >= span.start_time and sold.bucket_start < span.end_time
        union all
        select case $3 when '00000000-0000-0000-0000-000000000000' then sum(line.order_count)
                       else sum(line.event_order_count) filter (where line.event_id = $3) end
          from unnest($10::timestamptz[], $11::timestamptz[]) as span (start_time, end_time)
          join order_lines as line
            on line.tenant_id = $1 and line.sold_at >= span.start_time and line.sold_at < span.end_time
         where line.venue_id in (select venue_id from chosen)) as part
)
select array[count(*), count(*) filter (where step >= 2), count(*) filter (where step >= 3),
             count(*) filter (where step >= 4), count(*) filter (where step >= 5),
             count(*) filter (where step >= 6)] as session_counts,
       array[percentile_cont(0.5) within group (order by extract(epoch from event_page_at - visit_at))
                 filter (where event_page_at >= visit_at),
             percentile_cont(0.5) within group (order by extract(epoch from cart_at - event_page_at))
                 filter (where cart_at >= event_page_at),
             percentile_cont(0.5) within group (order by extract(epoch from checkout_at - cart_at))
                 filter (where checkout_at >= cart_at),
             percentile_cont(0.5) within group (order by extract(epoch from order_at - checkout_at))
                 filter (where order_at >= checkout_at),
             percentile_cont(0.5) within group (order by extract(epoch from scan_at - order_at))
                 filter (where scan_at >= order_at)] as median_seconds,
       count(*) filter (where order_at is not null) as ordering_session_count,
       (select order_count from booked) - coalesce(sum(order_count), 0)::bigint
           as orders_without_session_count,
       max(newest_fact_at) as newest_fact_at
  from arrivals
"""


class FunnelRow(NamedTuple):
    """The funnel's numbers.

    `session_counts`: those at each step or a further one; `median_seconds` lead to each step but the first.
    """

    session_counts: list[int]
    median_seconds: list[float | None]
    ordering_session_count: int
    orders_without_session_count: int
    newest_fact_at: datetime | None


async def has_event(conn: Connection, tenant_id: UUID, event_id: UUID, venue_id: UUID | None) -> bool:
    """Whether the transaction sees such a show, at this venue where one is given."""
    found: bool = await conn.fetchval(_EVENT, tenant_id, event_id, venue_id)
    return found


async def select_funnel(
    conn: Connection,
    tenant_id: UUID,
    start: datetime,
    end: datetime,
    *,
    venue_id: UUID | None,
    event_id: UUID | None,
) -> FunnelRow:
    """The funnel of the window [start, end), UTC."""
    parts = cut(Span(start, end))
    buckets = [(minutes, *span) for minutes, span in parts.buckets]
    first_day = start.replace(hour=0, minute=0, second=0, microsecond=0)
    await conn.execute(_MORE_MEMORY)
    row = await conn.fetchrow(
        _FUNNEL,
        tenant_id,
        venue_id,
        event_id or NO_SHOW,
        start,
        end,
        first_day,
        *columns(buckets, 3),
        *columns(parts.edges, 2),
    )
    assert row is not None  # an aggregate without groups has one row
    return FunnelRow(**dict(row))
