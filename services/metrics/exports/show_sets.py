"""Data sets of shows, venues, tickets and the secondary market."""

from typing import Final

from libs.common.tables.columns import Kind, columns
from services.metrics.exports.dataset import DataSet, Narrowing

# Grain: show and currency of its money (null: no money yet). Index: events_by_venue, then a show's days.
_EVENTS: Final = """
select event_id::text, event_name, venue_id::text, venue_name, time_zone,
       (extract(epoch from starts_at) * 1000000)::bigint,
       (extract(epoch from cancelled_at) * 1000000)::bigint, capacity, currency, order_count, sold_count,
       returned_count, gross_minor, refund_minor, fee_minor, net_minor, resale_count, resale_minor,
       royalty_minor, scanned_count, transferred_count
  from reporting_views.event_summary as summary
 where tenant_id = $1 and ($2::timestamptz is null or starts_at >= $2)
   and ($3::timestamptz is null or starts_at < $3) and ($4::uuid is null or venue_id = $4)
   and ($6::uuid is null or event_id = $6)
 order by starts_at, summary.event_id, currency
 limit $5
"""

# Grain: venue and currency of its money (null: no money), over its days whose first instant lies in the
# window. What is no money stands once for the whole venue, so it repeats beside each currency. Index:
# venue_analytics_pkey, venue by venue.
_VENUES: Final = """
select venue.venue_id::text, venue.name, venue.time_zone, venue.capacity, money.currency,
       coalesce(money.order_count, 0), coalesce(money.ticket_count, 0),
       coalesce(money.refunded_ticket_count, 0), coalesce(money.gross_minor, 0),
       coalesce(money.refund_minor, 0), coalesce(money.fee_minor, 0), coalesce(money.net_minor, 0),
       coalesce(money.new_listing_count, 0), coalesce(money.resale_count, 0),
       coalesce(money.resale_minor, 0), coalesce(money.royalty_minor, 0), doors.scanned_count,
       doors.transferred_count, doors.page_view_count, doors.cart_count, doors.checkout_count,
       doors.daily_visitor_count,
       (extract(epoch from greatest(money.newest_fact_at, doors.newest_fact_at)) * 1000000)::bigint
  from venues as venue
 cross join lateral (
       select coalesce(sum(scanned_count), 0)::bigint as scanned_count,
              coalesce(sum(transferred_count), 0)::bigint as transferred_count,
              coalesce(sum(page_view_count), 0)::bigint as page_view_count,
              coalesce(sum(cart_count), 0)::bigint as cart_count,
              coalesce(sum(checkout_count), 0)::bigint as checkout_count,
              coalesce(sum(visitor_count), 0)::bigint as daily_visitor_count,
              max(newest_fact_at) as newest_fact_at
         from reporting_views.venue_analytics as day
        where day.tenant_id = $1 and day.venue_id = venue.venue_id and day.currency = ''
          and ($2::timestamptz is null or day.day::timestamp at time zone venue.time_zone >= $2)
          and ($3::timestamptz is null or day.day::timestamp at time zone venue.time_zone < $3)) as doors
  left join lateral (
       select currency, sum(order_count)::bigint as order_count, sum(ticket_count)::bigint as ticket_count,
              sum(refunded_ticket_count)::bigint as refunded_ticket_count,
              sum(gross_minor)::bigint as gross_minor, sum(refund_minor)::bigint as refund_minor,
              sum(fee_minor)::bigint as fee_minor, sum(net_minor)::bigint as net_minor,
              sum(new_listing_count)::bigint as new_listing_count, sum(resale_count)::bigint as resale_count,
              sum(resale_minor)::bigint as resale_minor, sum(royalty_minor)::bigint as royalty_minor,
              max(newest_fact_at) as newest_fact_at
         from reporting_views.venue_analytics as day
        where day.tenant_id = $1 and day.venue_id = venue.venue_id and day.currency <> ''
          and ($2::timestamptz is null or day.day::timestamp at time zone venue.time_zone >= $2)
          and ($3::timestamptz is null or day.day::timestamp at time zone venue.time_zone < $3)
        group by currency) as money on true
 where venue.tenant_id = $1 and ($4::uuid is null or venue.venue_id = $4)
 order by venue.venue_id, money.currency
 limit $5
"""

# Grain: show and ticket type (null: tickets without one). Index: events_pkey, and below it those of the view.
_TICKET_STATUS: Final = """
select event_id::text, event_name, venue_id::text, (extract(epoch from starts_at) * 1000000)::bigint,
       nullif(ticket_type_id, '00000000-0000-0000-0000-000000000000')::text, ticket_type_name, capacity_count,
       held_count, available_count, sold_count, refunded_count, transferred_count, listed_count, resold_count,
       scanned_count, (extract(epoch from newest_fact_at) * 1000000)::bigint
  from reporting_views.ticket_status_details as status
 where tenant_id = $1 and ($2::timestamptz is null or starts_at >= $2)
   and ($3::timestamptz is null or starts_at < $3) and ($4::uuid is null or venue_id = $4)
   and ($6::uuid is null or event_id = $6)
 order by starts_at, status.event_id, ticket_type_name, status.ticket_type_id
 limit $5
"""

# Grain: first offer of a listing, or a resale; exact, which the materialized days are not. The order names
# every column that is not told by those before: two rows that tie are equal. Index: listings_by_time and
# resales_by_time, or those by show.
_MARKETPLACE: Final = """
select (extract(epoch from happened_at) * 1000000)::bigint, venue_id::text, event_id::text,
       ticket_type_id::text, currency, new_listing_count, resale_count, resale_minor, royalty_minor,
       price_ratio, above_face_count
  from reporting_views.marketplace_activity as activity
 where tenant_id = $1 and happened_at >= $2 and happened_at < $3 and ($4::uuid is null or venue_id = $4)
   and ($6::uuid is null or event_id = $6)
 order by happened_at, activity.venue_id, activity.event_id, activity.ticket_type_id, currency, resale_count,
          resale_minor, royalty_minor, price_ratio
 limit $5
"""

SHOW_SETS: Final = (
    DataSet(
        "events",
        columns(
            "event_id event_name venue_id venue_name time_zone starts_at cancelled_at capacity currency"
            " order_count sold_count returned_count gross_minor refund_minor fee_minor net_minor resale_count"
            " resale_minor royalty_minor scanned_count transferred_count",
            capacity=Kind.INTEGER,
        ),
        _EVENTS,
        Narrowing.EVENT,
    ),
    DataSet(
        "venues",
        columns(
            "venue_id venue_name time_zone capacity currency order_count ticket_count refunded_ticket_count"
            " gross_minor refund_minor fee_minor net_minor new_listing_count resale_count resale_minor"
            " royalty_minor scanned_count transferred_count page_view_count cart_count checkout_count"
            " daily_visitor_count newest_fact_at",
            capacity=Kind.INTEGER,
        ),
        _VENUES,
    ),
    DataSet(
        "ticket_status",
        columns(
            "event_id event_name venue_id starts_at ticket_type_id ticket_type_name capacity_count held_count"
            " available_count sold_count refunded_count transferred_count listed_count resold_count"
            " scanned_count newest_fact_at"
        ),
        _TICKET_STATUS,
        Narrowing.EVENT,
    ),
    DataSet(
        "marketplace",
        columns(
            "happened_at venue_id event_id ticket_type_id currency new_listing_count resale_count"
            " resale_minor royalty_minor price_ratio above_face_count",
            price_ratio=Kind.NUMBER,
        ),
        _MARKETPLACE,
        Narrowing.EVENT,
    ),
)
