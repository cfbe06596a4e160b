"""SQL of revenue over windows."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.columns import columns
from services.metrics.revenue.figures import RevenueFigures
from services.metrics.revenue.windows import Window, cut

# Grain: window (by its number) and currency. Whole days and quarters of an hour come from sales_rollup by its
# key, venue by venue, so the cost does not grow with orders; the edges, at most two of 15 minutes a window,
# from order_lines by (tenant_id, sold_at). Row-level security on venues limits a tenant-wide answer to the
# granted ones. The sums are lateral because the planner cannot see how narrow a range between two columns is,
# and would join before it filters.
_SUMS = """
with chosen as materialized (
    select venue_id
      from venues
     where tenant_id = $1 and ($2::uuid is null or venue_id = $2)
), booked as (
    select span.number, part.*
      from unnest($3::integer[], $4::smallint[], $5::timestamptz[], $6::timestamptz[])
           as span (number, bucket_minutes, start_time, end_time)
      cross join chosen
      cross join lateral (
           select currency, sum(order_count) as order_count, sum(ticket_count) as ticket_count,
                  sum(gross_minor) as gross_minor, sum(refund_minor) as refund_minor,
                  sum(fee_minor - refunded_fee_minor) as fee_minor, max(newest_fact_at) as newest_fact_at
             from sales_rollup
            where tenant_id = $1 and venue_id = chosen.venue_id and bucket_minutes = span.bucket_minutes
              and bucket_start >= span.start_time and bucket_start < span.end_time
            group by currency) as part
    union all
    select span.number, part.*
      from unnest($7::integer[], $8::timestamptz[], $9::timestamptz[]) as span (number, start_time, end_time)
      cross join lateral (
           select currency, sum(order_count), sum(ticket_count), sum(gross_minor), sum(refund_minor),
                  sum(fee_minor - refunded_fee_minor), max(newest_fact_at)
             from order_lines
            where tenant_id = $1 and sold_at >= span.start_time and sold_at < span.end_time
              and venue_id in (select venue_id from chosen)
            group by currency) as part
)
select number, currency, sum(order_count)::bigint as order_count, sum(ticket_count)::bigint as ticket_count,
       sum(gross_minor)::bigint as gross_minor, sum(refund_minor)::bigint as refund_minor,
       sum(fee_minor)::bigint as fee_minor, max(newest_fact_at) as newest_fact_at
  from booked
 group by number, currency
 order by number, currency
"""


class WindowFigures(NamedTuple):
    """Figures of one window by currency, and the newest fact behind them."""

    figures: tuple[RevenueFigures, ...]
    as_of: datetime | None


async def select_revenue(
    conn: Connection, tenant_id: UUID, venue_id: UUID | None, windows: Sequence[Window]
) -> list[WindowFigures]:
    """Figures of every window, exact wherever its edges lie.

    Args:
        conn: A transaction of the tenant; its venue grant limits the answer.
        tenant_id: The tenant.
        venue_id: Only this venue, or None for all that the transaction sees.
        windows: What to sum over; they may overlap.
    """
    cuts = [cut(window) for window in windows]
    buckets = [
        (number, minutes, *window) for number, part in enumerate(cuts) for minutes, window in part.buckets
    ]
    edges = [(number, *edge) for number, part in enumerate(cuts) for edge in part.edges]
    rows = await conn.fetch(_SUMS, tenant_id, venue_id, *columns(buckets, 4), *columns(edges, 3))
    answers: list[WindowFigures] = []
    for number in range(len(windows)):
        own = [row for row in rows if row["number"] == number]
        figures = (
            RevenueFigures(
                currency=row["currency"],
                order_count=row["order_count"],
                ticket_count=row["ticket_count"],
                gross_minor=row["gross_minor"],
                refund_minor=row["refund_minor"],
                fee_minor=row["fee_minor"],
            )
            for row in own
        )
        as_of = max((row["newest_fact_at"] for row in own), default=None)
        answers.append(WindowFigures(tuple(each for each in figures if not each.is_empty), as_of))
    return answers
