"""Words to find people by, what purchases tell of taste, and views of customers for reports and profiles.

Plain views are exact at any moment and run with the rights of whoever reads: row-level security limits them
to the tenant and the venue grant. Money is in minor units of the row's currency, refunds taken off where it
says spend. No view holds names, addresses, phone numbers or cities.

reporting_views.customer_360
    Grain: customer, venue and currency of their purchases.
    Columns: tenant_id, venue_id, customer_id, currency, order_count, ticket_count, refunded_ticket_count,
    gross_minor, refund_minor, fee_minor, spend_minor, first_purchase_at, last_purchase_at (null: nothing
    that was bought stands), newest_fact_at.
    Reader: GetCustomerProfile and GetUserProfile.
reporting_views.customer_360_materialized (materialized)
    As customer_360, as old as its last refresh, which materialized_refreshes tells.
    Reader: the spread of spend at a venue, with which a profile compares a customer.
reporting_views.user_dashboard_view
    Grain: person and a venue that they have dealt with.
    Columns: tenant_id, venue_id, customer_id, first_seen_at, last_seen_at, order_count, ticket_count,
    latest_show_at (start of the latest show they have bought for), admitted_ticket_count,
    attended_show_count, sent_ticket_count, received_ticket_count, newest_fact_at.
    Reader: GetCustomerProfile and GetUserProfile.
reporting_views.user_dashboard_materialized (materialized)
    As user_dashboard_view, as old as its last refresh.
    Reader: the spread of orders at a venue, with which a profile compares a customer.
"""

from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import materialized_view, refresh_policy, tenant_table

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Grain: one word of a person, and where it was taken from: always those of the person's row in `customers`,
# which writes them in the same transaction. Words sort by their bytes, so that a prefix is a range of the
# key.
_CUSTOMER_WORDS = """
create table customer_words (
    tenant_id uuid not null,
    word text collate "C" not null,
    kind text not null check (kind in ('name', 'mailbox', 'address', 'full_name')),
    customer_id uuid not null,
    primary key (tenant_id, word, kind, customer_id)
)
"""
_WORDS_BY_CUSTOMER = "create index customer_words_by_customer on customer_words (tenant_id, customer_id)"

# Grain: one purchase that stands, and what it tells of taste; null where it tells nothing. Days are those of
# the venue's clock. One definition for a person's taste and for the venue's, with which it is compared.
_PURCHASE_TRAITS = """
create view purchase_traits with (security_invoker = true) as
select bought.tenant_id, bought.venue_id, bought.customer_id, bought.order_id, bought.sold_at,
       bought.newest_fact_at, bought.currency, nullif(show.genre, '') as genre,
       (array['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'])
           [extract(isodow from show.starts_at at time zone venue.time_zone)::integer] as weekday,
       case when lead.day_count < 0 then null
            when lead.day_count = 0 then 'same_day'
            when lead.day_count < 7 then 'within_week'
            when lead.day_count < 30 then 'within_month'
            when lead.day_count < 90 then 'within_quarter'
            when lead.day_count >= 90 then 'earlier' end as lead_time,
       case when bought.ticket_count < 1 then null
            when bought.ticket_count = 1 then 'alone'
            when bought.ticket_count = 2 then 'pair'
            when bought.ticket_count <= 4 then 'small_group'
            else 'group' end as party_size,
       nullif(bought.channel, '') as channel,
       bought.gross_minor / nullif(bought.ticket_count, 0) as ticket_price_minor
  from purchases as bought
  join venues as venue on venue.tenant_id = bought.tenant_id and venue.venue_id = bought.venue_id
  left join events as show on show.tenant_id = bought.tenant_id and show.event_id = bought.event_id
 cross join lateral (
       select (show.starts_at at time zone venue.time_zone)::date
              - (bought.sold_at at time zone venue.time_zone)::date as day_count) as lead
 where bought.order_count = 1
"""

_AS_READER = "with (security_invoker = true)"

_CUSTOMER_360 = """
select bought.tenant_id, bought.venue_id, bought.customer_id, bought.currency,
       sum(bought.order_count)::integer as order_count, sum(bought.ticket_count)::integer as ticket_count,
       sum(bought.refunded_ticket_count)::integer as refunded_ticket_count,
       sum(bought.gross_minor)::bigint as gross_minor, sum(bought.refund_minor)::bigint as refund_minor,
       sum(bought.fee_minor)::bigint as fee_minor, sum(bought.spend_minor)::bigint as spend_minor,
       min(bought.sold_at) filter (where bought.order_count = 1) as first_purchase_at,
       max(bought.sold_at) filter (where bought.order_count = 1) as last_purchase_at,
       max(bought.newest_fact_at) as newest_fact_at
  from public.purchases as bought
 group by 1, 2, 3, 4
"""

_USER_DASHBOARD = """
select known.tenant_id, known.venue_id, known.customer_id, known.first_seen_at, known.last_seen_at,
       coalesce(bought.order_count, 0) as order_count, coalesce(bought.ticket_count, 0) as ticket_count,
       bought.latest_show_at, coalesce(came.ticket_count, 0) as admitted_ticket_count,
       coalesce(came.show_count, 0) as attended_show_count,
       coalesce(passed.sent_count, 0) as sent_ticket_count,
       coalesce(passed.received_count, 0) as received_ticket_count,
       greatest(known.last_seen_at, bought.newest_fact_at) as newest_fact_at
  from public.customer_venues as known
  left join (
       select purchase.tenant_id, purchase.venue_id, purchase.customer_id,
              sum(purchase.order_count)::integer as order_count,
              (sum(purchase.ticket_count - purchase.refunded_ticket_count))::integer as ticket_count,
              max(show.starts_at) filter (where purchase.order_count = 1) as latest_show_at,
              max(purchase.newest_fact_at) as newest_fact_at
         from public.purchases as purchase
         left join public.events as show
           on show.tenant_id = purchase.tenant_id and show.event_id = purchase.event_id
        group by 1, 2, 3) as bought
    on bought.tenant_id = known.tenant_id and bought.venue_id = known.venue_id
   and bought.customer_id = known.customer_id
  left join (
       select admission.tenant_id, admission.venue_id, admission.customer_id,
              count(*)::integer as ticket_count, count(distinct admission.event_id)::integer as show_count
         from public.admissions as admission
        where admission.customer_id is not null
        group by 1, 2, 3) as came
    on came.tenant_id = known.tenant_id and came.venue_id = known.venue_id
   and came.customer_id = known.customer_id
  left join (
       select hand.tenant_id, hand.venue_id, hand.customer_id, sum(hand.sent)::integer as sent_count,
              sum(hand.received)::integer as received_count
         from (select tenant_id, venue_id, from_customer_id as customer_id, 1 as sent, 0 as received
                 from public.transfers
                where from_customer_id is not null
               union all
               select tenant_id, venue_id, to_customer_id, 0, 1
                 from public.transfers
                where to_customer_id is not null) as hand
        group by 1, 2, 3) as passed
    on passed.tenant_id = known.tenant_id and passed.venue_id = known.venue_id
   and passed.customer_id = known.customer_id
"""

# Grain: one materialized view. What committed before `refreshed_at` is in it. Tells nothing about any tenant.
_REFRESHES = """
create table materialized_refreshes (
    view_name text primary key,
    refreshed_at timestamptz not null
)
"""
_FIRST_REFRESHES = """
insert into materialized_refreshes (view_name, refreshed_at)
values ('customer_360_materialized', now()), ('user_dashboard_materialized', now())
"""

_READERS = """
do $$
begin
    execute format('grant select on purchase_traits, materialized_refreshes, reporting_views.customer_360,'
                   ' reporting_views.user_dashboard_view to %I', platform.role('app'));
    execute format('grant select, insert, update on materialized_refreshes to %I', platform.role('worker'));
end $$
"""


def upgrade() -> None:
    apply(_CUSTOMER_WORDS, _WORDS_BY_CUSTOMER, tenant_table("customer_words"))
    apply(
        _PURCHASE_TRAITS,
        f"create view reporting_views.customer_360 {_AS_READER} as {_CUSTOMER_360}",
        f"create view reporting_views.user_dashboard_view {_AS_READER} as {_USER_DASHBOARD}",
        _REFRESHES,
        _READERS,
    )
    for table in ("customer_venues", "purchases", "events", "admissions", "transfers"):
        apply(refresh_policy(table))
    apply(
        materialized_view(
            "customer_360_materialized",
            _CUSTOMER_360,
            key=("tenant_id", "venue_id", "customer_id", "currency"),
            venue_column="venue_id",
        ),
        materialized_view(
            "user_dashboard_materialized",
            _USER_DASHBOARD,
            key=("tenant_id", "venue_id", "customer_id"),
            venue_column="venue_id",
        ),
        _FIRST_REFRESHES,
    )


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
