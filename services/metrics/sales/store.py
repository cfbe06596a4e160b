"""SQL of sales over buckets of time."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.metrics.orders.sums import NO_ID
from services.metrics.sales.rows import Dimension, SalesFilter, SalesRow, counting
from services.metrics.sales.spans import Spans, spans_of

# Grain: bucket (by its number), the dimensions asked for ($8 to $11; zero id and empty text: not asked for,
# or not told), currency. Whole days and quarters of an hour come from sales_rollup, so the cost does not
# grow with orders: venue by venue by its key, or show by show by sales_rollup_by_event, whichever spans are
# given ($13 to $15, $16 to $18). What is left at the edges of buckets comes from order_lines_by_time ($19,
# $20). A rollup row lies within one bucket, so many buckets are one range, sorted by width_bucket. Distinct
# orders over several shows or ticket types exist in order_lines only: they are counted there, in the same
# snapshot, when asked for. Row-level security limits a tenant-wide answer to the granted venues. The ranges
# are lateral and fenced (offset 0) because the planner cannot see how narrow a range between two columns is,
# and would join before it filters.
_SALES: Final = """
with chosen as materialized (
    select venue_id
      from venues
     where tenant_id = $1 and ($3::uuid[] is null or venue_id = any($3))
), booked as (
    select part.at, part.venue_id, part.event_id, part.ticket_type_id, part.channel, part.currency,
           part.order_count, part.event_order_count, part.line_order_count, part.ticket_count,
           part.refunded_ticket_count, part.gross_minor, part.refund_minor, part.fee_minor,
           part.newest_fact_at
      from unnest($13::smallint[], $14::timestamptz[], $15::timestamptz[])
           as span (bucket_minutes, start_time, end_time)
      cross join chosen
      cross join lateral (
           select bucket_start as at, venue_id, event_id, ticket_type_id, channel, currency, order_count,
                  event_order_count, line_order_count, ticket_count, refunded_ticket_count, gross_minor,
                  refund_minor, fee_minor - refunded_fee_minor as fee_minor, newest_fact_at
             from sales_rollup
            where tenant_id = $1 and venue_id = chosen.venue_id and bucket_minutes = span.bucket_minutes
              and bucket_start >= span.start_time and bucket_start < span.end_time
              and ($5::text[] is null or channel = any($5))
              and ($6::uuid[] is null or ticket_type_id = any($6))
              and ($7::text[] is null or currency = any($7))
           offset 0) as part
    union all
    select part.at, part.venue_id, part.event_id, part.ticket_type_id, part.channel, part.currency,
           part.order_count, part.event_order_count, part.line_order_count, part.ticket_count,
           part.refunded_ticket_count, part.gross_minor, part.refund_minor, part.fee_minor,
           part.newest_fact_at
      from unnest($16::smallint[], $17::timestamptz[], $18::timestamptz[])
           as span (bucket_minutes, start_time, end_time)
      cross join unnest($4::uuid[]) as show (event_id)
      cross join lateral (
           select bucket_start as at, venue_id, event_id, ticket_type_id, channel, currency, order_count,
                  event_order_count, line_order_count, ticket_count, refunded_ticket_count, gross_minor,
                  refund_minor, fee_minor - refunded_fee_minor as fee_minor, newest_fact_at
             from sales_rollup
            where tenant_id = $1 and event_id = show.event_id and bucket_minutes = span.bucket_minutes
              and bucket_start >= span.start_time and bucket_start < span.end_time
              and ($3::uuid[] is null or venue_id = any($3))
              and ($5::text[] is null or channel = any($5))
              and ($6::uuid[] is null or ticket_type_id = any($6))
              and ($7::text[] is null or currency = any($7))
           offset 0) as part
    union all
    select part.sold_at, part.venue_id, part.event_id, part.ticket_type_id, part.channel, part.currency,
           part.order_count, part.event_order_count, part.line_order_count, part.ticket_count,
           part.refunded_ticket_count, part.gross_minor, part.refund_minor, part.fee_minor,
           part.newest_fact_at
      from unnest($19::timestamptz[], $20::timestamptz[]) as span (start_time, end_time)
      cross join lateral (
           select sold_at, venue_id, event_id, ticket_type_id, channel, currency, order_count,
                  event_order_count, line_order_count, ticket_count, refunded_ticket_count, gross_minor,
                  refund_minor, fee_minor - refunded_fee_minor as fee_minor, newest_fact_at
             from order_lines
            where tenant_id = $1 and sold_at >= span.start_time and sold_at < span.end_time
              and ($3::uuid[] is null or venue_id = any($3))
              and ($4::uuid[] is null or event_id = any($4))
              and ($5::text[] is null or channel = any($5))
              and ($6::uuid[] is null or ticket_type_id = any($6))
              and ($7::text[] is null or currency = any($7))
           offset 0) as part
), summed as (
    select width_bucket(at, $2::timestamptz[]) - 1 as place,
           case when $8::boolean then venue_id else $21::uuid end as venue_id,
           case when $9::boolean then coalesce(event_id, $21) else $21 end as event_id,
           case when $10::boolean then channel else '' end as channel,
           case when $11::boolean then coalesce(ticket_type_id, $21) else $21 end as ticket_type_id,
           currency,
           sum(case $12::text when 'by_event' then event_order_count
                              when 'by_ticket_type' then line_order_count
                              else order_count end)::bigint as order_count,
           sum(ticket_count)::bigint as ticket_count,
           sum(refunded_ticket_count)::bigint as refunded_ticket_count,
           sum(gross_minor)::bigint as gross_minor, sum(refund_minor)::bigint as refund_minor,
           sum(fee_minor)::bigint as fee_minor, max(newest_fact_at) as newest_fact_at
      from booked
     group by 1, 2, 3, 4, 5, 6
), ordered as (
    select width_bucket(sold_at, $2::timestamptz[]) - 1 as place,
           case when $8::boolean then venue_id else $21::uuid end as venue_id,
           case when $9::boolean then coalesce(event_id, $21) else $21 end as event_id,
           case when $10::boolean then channel else '' end as channel,
           currency, count(distinct order_id) as order_count
      from order_lines
     where $12::text = 'distinct' and tenant_id = $1 and ticket_count > 0
       and sold_at >= ($2::timestamptz[])[1] and sold_at < ($2::timestamptz[])[cardinality($2::timestamptz[])]
       and ($3::uuid[] is null or venue_id = any($3))
       and ($4::uuid[] is null or event_id = any($4))
       and ($5::text[] is null or channel = any($5))
       and ($6::uuid[] is null or ticket_type_id = any($6))
       and ($7::text[] is null or currency = any($7))
     group by 1, 2, 3, 4, 5
)
select place, venue_id, event_id, channel, ticket_type_id, currency,
       case when $12::text = 'distinct' then coalesce(ordered.order_count, 0)
            else summed.order_count end as order_count,
       ticket_count, refunded_ticket_count, gross_minor, refund_minor, fee_minor, newest_fact_at
  from summed
  left join ordered using (place, venue_id, event_id, channel, currency)
 order by place, venue_id, event_id, channel, ticket_type_id, currency
 limit $22::bigint
"""

_NO_SPANS: Final[tuple[list[Any], ...]] = ([], [], [])


async def select_sales(
    conn: Connection,
    tenant_id: UUID,
    edges: Sequence[datetime],
    where: SalesFilter,
    by: AbstractSet[Dimension],
    *,
    limit: int | None = None,
) -> list[SalesRow]:
    """Figures of every bucket with a sale, exact wherever the edges lie, by bucket and dimensions.

    Args:
        conn: A transaction of the tenant; its venue grant limits the answer.
        tenant_id: The tenant.
        edges: Ascending instants; n buckets have n + 1 edges.
        where: Which sales.
        by: What to tell apart.
        limit: Most rows; None: all.
    """
    if len(edges) < 2:
        return []
    rows = await conn.fetch(
        _SALES,
        tenant_id,
        list(edges),
        *_values(where),
        Dimension.VENUE in by,
        Dimension.EVENT in by,
        Dimension.CHANNEL in by,
        Dimension.TICKET_TYPE in by,
        counting(where, by),
        *_spans(spans_of(edges), by_show=bool(where.event_ids)),
        NO_ID,
        limit,
    )
    return [_row(row) for row in rows]


def _values(where: SalesFilter) -> list[list[Any] | None]:
    """Each filter without repetitions, or None where it filters nothing."""
    fields = (where.venue_ids, where.event_ids, where.channels, where.ticket_type_ids, where.currencies)
    return [list(dict.fromkeys(values)) or None for values in fields]


def _spans(spans: Spans, *, by_show: bool) -> tuple[list[Any], ...]:
    rolled = columns([(minutes, *span) for minutes, span in spans.rolled], 3)
    way = (*_NO_SPANS, *rolled) if by_show else (*rolled, *_NO_SPANS)
    return (*way, *columns(spans.raw, 2))


def _row(row: Any) -> SalesRow:
    values = dict(row)
    for name in ("venue_id", "event_id", "ticket_type_id"):
        if values[name] == NO_ID:
            values[name] = None
    return SalesRow(**values)
