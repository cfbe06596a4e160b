"""Views over the facts of this service, for exports, reports and whoever reads the database.

The plain views are exact at any moment and run with the rights of whoever reads: row-level security limits
them to the tenant and the venue grant. Money is in minor units of the row's currency; days are the venue's.

reporting_views.event_summary
    Grain: show and currency of its money (null: no money yet). Read for the data set "events" of ExportRows.
    Columns: tenant_id, event_id, event_name, venue_id, venue_name, time_zone, starts_at, cancelled_at,
    capacity (sum of its ticket types, otherwise what the show states; null: not told), currency, order_count,
    sold_count, returned_count, gross_minor, refund_minor, fee_minor, net_minor, resale_count, resale_minor,
    royalty_minor; and of the whole show, repeated where it has several currencies: scanned_count,
    transferred_count.
reporting_views.venue_analytics
    Grain: venue, local day, currency ('' for figures without money). Read for the data set "venues".
    Columns: tenant_id, venue_id, venue_name, time_zone, day, currency, and all figures of the daily table
    with net_minor.
reporting_views.financial_summary
    Grain: local day, venue, currency; days without money are left out. Read for the data set "sales_daily".
    Columns: tenant_id, day, venue_id, venue_name, currency, order_count, ticket_count, refunded_ticket_count,
    gross_minor, refund_minor, fee_minor, net_minor, resale_count, resale_minor, royalty_minor,
    newest_fact_at.
reporting_views.venue_analytics_mv (materialized)
    Grain: venue, local calendar month, currency ('' for figures without money). As old as its last refresh,
    which materialized_refreshes tells: for long looks back over many venues.
    Columns: tenant_id, venue_id, venue_name, month, currency, day_count (days with a row), all figures
    (visitor_count: sum of the days' visitors), net_minor, newest_fact_at.
"""

from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import materialized_view, refresh_policy

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_EVENT_SUMMARY = """
create view reporting_views.event_summary with (security_invoker = true) as
select show.tenant_id, show.event_id, show.name as event_name, show.venue_id, venue.name as venue_name,
       venue.time_zone, show.starts_at, show.cancelled_at,
       coalesce(seats.capacity, show.capacity) as capacity, money.currency,
       coalesce(money.order_count, 0) as order_count,
       coalesce(money.sold_count, 0) as sold_count, coalesce(money.returned_count, 0) as returned_count,
       coalesce(money.gross_minor, 0) as gross_minor, coalesce(money.refund_minor, 0) as refund_minor,
       coalesce(money.fee_minor, 0) as fee_minor,
       coalesce(money.gross_minor - money.refund_minor - money.fee_minor, 0) as net_minor,
       coalesce(money.resale_count, 0) as resale_count, coalesce(money.resale_minor, 0) as resale_minor,
       coalesce(money.royalty_minor, 0) as royalty_minor, doors.scanned_count, doors.transferred_count
  from events as show
  join venues as venue on venue.tenant_id = show.tenant_id and venue.venue_id = show.venue_id
  cross join lateral (
       select sum(capacity)::bigint as capacity
         from ticket_types as type
        where type.tenant_id = show.tenant_id and type.event_id = show.event_id) as seats
  cross join lateral (
       select coalesce(sum(scanned_count), 0)::bigint as scanned_count,
              coalesce(sum(transferred_count), 0)::bigint as transferred_count
         from event_analytics as day
        where day.tenant_id = show.tenant_id and day.event_id = show.event_id) as doors
  left join lateral (
       select day.currency, sum(order_count)::bigint as order_count, sum(ticket_count)::bigint as sold_count,
              sum(refunded_ticket_count)::bigint as returned_count, sum(gross_minor)::bigint as gross_minor,
              sum(refund_minor)::bigint as refund_minor, sum(fee_minor)::bigint as fee_minor,
              sum(resale_count)::bigint as resale_count, sum(resale_minor)::bigint as resale_minor,
              sum(royalty_minor)::bigint as royalty_minor
         from event_analytics as day
        where day.tenant_id = show.tenant_id and day.event_id = show.event_id and day.currency <> ''
        group by day.currency) as money on true
"""

_VENUE_ANALYTICS = """
create view reporting_views.venue_analytics with (security_invoker = true) as
select day.tenant_id, day.venue_id, venue.name as venue_name, venue.time_zone, day.day, day.currency,
       day.order_count, day.ticket_count, day.refunded_ticket_count, day.gross_minor, day.refund_minor,
       day.fee_minor, day.gross_minor - day.refund_minor - day.fee_minor as net_minor, day.scanned_count,
       day.transferred_count, day.new_listing_count, day.resale_count, day.resale_minor, day.royalty_minor,
       day.page_view_count, day.cart_count, day.checkout_count, day.visitor_count, day.newest_fact_at
  from public.venue_analytics as day
  join venues as venue on venue.tenant_id = day.tenant_id and venue.venue_id = day.venue_id
"""

_FINANCIAL_SUMMARY = """
create view reporting_views.financial_summary with (security_invoker = true) as
select day.tenant_id, day.day, day.venue_id, venue.name as venue_name, day.currency, day.order_count,
       day.ticket_count, day.refunded_ticket_count, day.gross_minor, day.refund_minor, day.fee_minor,
       day.gross_minor - day.refund_minor - day.fee_minor as net_minor, day.resale_count, day.resale_minor,
       day.royalty_minor, day.newest_fact_at
  from public.venue_analytics as day
  join venues as venue on venue.tenant_id = day.tenant_id and venue.venue_id = day.venue_id
 where day.currency <> ''
"""

_VENUE_MONTHS = """
select day.tenant_id, day.venue_id, venue.name as venue_name,
       date_trunc('month', day.day::timestamp)::date as month, day.currency, count(*) as day_count,
       sum(day.order_count)::bigint as order_count, sum(day.ticket_count)::bigint as ticket_count,
       sum(day.refunded_ticket_count)::bigint as refunded_ticket_count,
       sum(day.gross_minor)::bigint as gross_minor, sum(day.refund_minor)::bigint as refund_minor,
       sum(day.fee_minor)::bigint as fee_minor,
       sum(day.gross_minor - day.refund_minor - day.fee_minor)::bigint as net_minor,
       sum(day.scanned_count)::bigint as scanned_count,
       sum(day.transferred_count)::bigint as transferred_count,
       sum(day.new_listing_count)::bigint as new_listing_count,
       sum(day.resale_count)::bigint as resale_count,
       sum(day.resale_minor)::bigint as resale_minor, sum(day.royalty_minor)::bigint as royalty_minor,
       sum(day.page_view_count)::bigint as page_view_count, sum(day.cart_count)::bigint as cart_count,
       sum(day.checkout_count)::bigint as checkout_count, sum(day.visitor_count)::bigint as visitor_count,
       max(day.newest_fact_at) as newest_fact_at
  from public.venue_analytics as day
  join public.venues as venue on venue.tenant_id = day.tenant_id and venue.venue_id = day.venue_id
 group by 1, 2, 3, 4, 5
"""
_FIRST_REFRESH = """
insert into materialized_refreshes (view_name, refreshed_at) values ('venue_analytics_mv', now())
"""

_READERS = """
do $$
begin
    execute format('grant select on reporting_views.event_summary, reporting_views.venue_analytics,'
                   ' reporting_views.financial_summary to %I', platform.role('app'));
end $$
"""


def upgrade() -> None:
    apply(_EVENT_SUMMARY, _VENUE_ANALYTICS, _FINANCIAL_SUMMARY, _READERS)
    apply(refresh_policy("venues"), refresh_policy("venue_analytics"))
    apply(
        materialized_view(
            "venue_analytics_mv",
            _VENUE_MONTHS,
            key=("tenant_id", "venue_id", "month", "currency"),
            venue_column="venue_id",
        ),
        _FIRST_REFRESH,
    )


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
