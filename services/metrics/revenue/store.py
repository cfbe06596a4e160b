"""SQL of revenue over windows."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.common.postgres.database import driver
from services.metrics.columns import columns
from services.metrics.revenue.figures import RevenueFigures
from services.metrics.revenue.windows import Window, cut

# Grain: window (by its number) and currency. Whole buckets come from sales_rollup by its key, venue by venue,
# so the cost does not grow with orders; the edges, at most two of 15 minutes a window, from order_lines by
# (tenant_id, sold_at). Row-level security on venues limits a tenant-wide answer to the granted ones.
_SUMS = """
with chosen as (
    select venue_id
      from venues
     where tenant_id = $1 and ($2::uuid is null or venue_id = $2)
), booked as (
    select span.number, sales.currency, sales.order_count, sales.ticket_count, sales.gross_minor,
           sales.refund_minor, sales.fee_minor - sales.refunded_fee_minor as fee_minor, sales.newest_fact_at
      from unnest($3::integer[], $4::timestamptz[], $5::timestamptz[]) as span (number, start_time, end_time)
      cross join chosen
      join sales_rollup as sales
        on sales.tenant_id = $1 and sales.venue_id = chosen.venue_id
       and sales.bucket_start >= span.start_time and sales.bucket_start < span.end_time
    union all
    select span.number, line.currency, line.order_count, line.ticket_count, line.gross_minor,
           line.refund_minor, line.fee_minor - line.refunded_fee_minor, line.newest_fact_at
      from unnest($6::integer[], $7::timestamptz[], $8::timestamptz[]) as span (number, start_time, end_time)
      join order_lines as line
        on line.tenant_id = $1 and line.sold_at >= span.start_time and line.sold_at < span.end_time
      join chosen on chosen.venue_id = line.venue_id
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
    conn: AsyncConnection, tenant_id: UUID, venue_id: UUID | None, windows: Sequence[Window]
) -> list[WindowFigures]:
    """Figures of every window, exact wherever its edges lie.

    Args:
        conn: A transaction of the tenant; its venue grant limits the answer.
        tenant_id: The tenant.
        venue_id: Only this venue, or None for all that the transaction sees.
        windows: What to sum over; they may overlap.
    """
    cuts = [cut(window) for window in windows]
    buckets = _numbered((number, part.buckets) for number, part in enumerate(cuts) if part.buckets)
    edges = _numbered((number, edge) for number, part in enumerate(cuts) for edge in part.edges)
    rows = await driver(conn).fetch(_SUMS, tenant_id, venue_id, *buckets, *edges)
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


def _numbered(windows: Iterable[tuple[int, Window]]) -> list[list[object]]:
    return columns([(number, *window) for number, window in windows], 3)
