"""Data sets of sales. Grains in the contract's words are in rows.proto; nobody's id is in any of them."""

from typing import Final

from libs.common.tables.columns import Kind, columns
from services.metrics.exports.dataset import DataSet, Narrowing

# Grain: order that counts, currency of its lines (nearly always one); of one show, its lines alone. Index:
# order_lines_by_time, order_lines_by_venue or order_lines_by_event: rows come in the order of time, and
# groups that follow it need no memory of the whole window.
_ORDERS: Final = """
select order_id::text, venue_id::text, (extract(epoch from sold_at) * 1000000)::bigint, channel, currency,
       count(*) filter (where ticket_count > 0), sum(ticket_count)::bigint,
       sum(refunded_ticket_count)::bigint, sum(gross_minor)::bigint, sum(refund_minor)::bigint,
       sum(fee_minor - refunded_fee_minor)::bigint,
       sum(gross_minor - refund_minor - fee_minor + refunded_fee_minor)::bigint
  from order_lines
 where tenant_id = $1 and sold_at >= $2 and sold_at < $3 and ($4::uuid is null or venue_id = $4)
   and ($6::uuid is null or event_id = $6)
 group by sold_at, order_lines.order_id, order_lines.venue_id, channel, currency
 order by sold_at, order_lines.order_id, currency, order_lines.venue_id, channel
 limit $5
"""

# Grain: line of an order that counts. Indexes as above.
_ORDER_LINES: Final = """
select order_id::text, line_number, venue_id::text, (extract(epoch from sold_at) * 1000000)::bigint, channel,
       currency, event_id::text, ticket_type_id::text, ticket_count, refunded_ticket_count, gross_minor,
       refund_minor, fee_minor - refunded_fee_minor,
       gross_minor - refund_minor - fee_minor + refunded_fee_minor
  from order_lines
 where tenant_id = $1 and sold_at >= $2 and sold_at < $3 and ($4::uuid is null or venue_id = $4)
   and ($6::uuid is null or event_id = $6)
 order by sold_at, order_lines.order_id, line_number
 limit $5
"""

# Grain: refund of an order that counts, as its newest statement leaves it; of one show, refunds of orders
# with a ticket for it. Index: order_lines_by_time or order_lines_by_venue for the first lines of orders, then
# refunds_pkey and order_lines_pkey.
_REFUNDS: Final = """
select refund.refund_id::text, refund.order_id::text, sale.venue_id::text,
       (extract(epoch from sale.sold_at) * 1000000)::bigint,
       (extract(epoch from refund.revised_at) * 1000000)::bigint, sale.channel, refund.currency,
       refund.amount_minor, refund.fee_minor,
       (select sum((line ->> 0)::bigint)::bigint from jsonb_array_elements(refund.lines) as line)
  from order_lines as sale
  join refunds as refund on refund.tenant_id = sale.tenant_id and refund.order_id = sale.order_id
 where sale.tenant_id = $1 and sale.order_count = 1 and sale.sold_at >= $2 and sale.sold_at < $3
   and ($4::uuid is null or sale.venue_id = $4)
   and ($6::uuid is null or exists (
       select from order_lines as own
        where own.tenant_id = sale.tenant_id and own.order_id = sale.order_id and own.event_id = $6))
 order by sale.sold_at, sale.order_id, refund.refund_id
 limit $5
"""

# Grain: local day, venue, currency. The day belongs to the window that holds its first instant; the bounds on
# dates let the key of the daily table (venue_analytics_pkey) leave out the years around it.
_SALES_DAILY: Final = """
select summary.day::text, summary.venue_id::text, summary.venue_name, summary.currency, summary.order_count,
       summary.ticket_count, summary.refunded_ticket_count, summary.gross_minor, summary.refund_minor,
       summary.fee_minor, summary.net_minor, summary.resale_count, summary.resale_minor,
       summary.royalty_minor, (extract(epoch from summary.newest_fact_at) * 1000000)::bigint
  from reporting_views.financial_summary as summary
  join venues as venue on venue.tenant_id = summary.tenant_id and venue.venue_id = summary.venue_id
 where summary.tenant_id = $1 and ($4::uuid is null or summary.venue_id = $4)
   and summary.day >= $2::timestamptz::date - 1 and summary.day <= $3::timestamptz::date + 1
   and summary.day::timestamp at time zone venue.time_zone >= $2
   and summary.day::timestamp at time zone venue.time_zone < $3
 order by summary.day, summary.venue_id, summary.currency
 limit $5
"""

SALE_SETS: Final = (
    DataSet(
        "orders",
        columns(
            "order_id venue_id sold_at channel currency line_count ticket_count refunded_ticket_count"
            " gross_minor refund_minor fee_minor net_minor"
        ),
        _ORDERS,
        Narrowing.EVENT,
    ),
    DataSet(
        "order_lines",
        columns(
            "order_id line_number venue_id sold_at channel currency event_id ticket_type_id ticket_count"
            " refunded_ticket_count gross_minor refund_minor fee_minor net_minor",
            line_number=Kind.INTEGER,
        ),
        _ORDER_LINES,
        Narrowing.EVENT,
    ),
    DataSet(
        "refunds",
        columns(
            "refund_id order_id venue_id sold_at refunded_at channel currency amount_minor fee_minor"
            " ticket_count"
        ),
        _REFUNDS,
        Narrowing.EVENT,
    ),
    DataSet(
        "sales_daily",
        columns(
            "day venue_id venue_name currency order_count ticket_count refunded_ticket_count gross_minor"
            " refund_minor fee_minor net_minor resale_count resale_minor royalty_minor newest_fact_at"
        ),
        _SALES_DAILY,
    ),
)
