"""The daily tables of venues and shows, in the venue's own days, and the state of their nightly check.

venue_analytics  one venue, local day, currency ('' for figures without money)
event_analytics  one show at one venue, local day, currency
visitor_days     one session that was seen at a venue on a local day: what makes visitor_count exact
daily_checks     one venue and calendar month that the nightly check has compared with the facts

At any moment every row of a venue is cut by the time zone that `venues` states for it: a change of the zone
rewrites the venue's rows in its own transaction.
"""

from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import tenant_table

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Grain: venue, local day, currency. Every figure is a sum of facts, so rows are added to and never replaced
# outside of a rewrite. `newest_fact_at`: time of the newest event behind the row.
_VENUE_ANALYTICS = """
create table venue_analytics (
    tenant_id uuid not null,
    venue_id uuid not null,
    day date not null,
    currency text not null,
    order_count bigint not null default 0,
    ticket_count bigint not null default 0,
    refunded_ticket_count bigint not null default 0,
    gross_minor bigint not null default 0,
    refund_minor bigint not null default 0,
    fee_minor bigint not null default 0,
    scanned_count bigint not null default 0,
    transferred_count bigint not null default 0,
    new_listing_count bigint not null default 0,
    resale_count bigint not null default 0,
    resale_minor bigint not null default 0,
    royalty_minor bigint not null default 0,
    page_view_count bigint not null default 0,
    cart_count bigint not null default 0,
    checkout_count bigint not null default 0,
    visitor_count bigint not null default 0,
    newest_fact_at timestamptz not null,
    primary key (tenant_id, venue_id, day, currency)
) with (fillfactor = 70)
"""

# Grain: show, venue of the fact (a sale stays with the venue that made it when the show moves), local day of
# that venue, currency. `order_count` counts an order once for each of its shows. No visitors: a session looks
# at several shows, and their sum would be no number of people.
_EVENT_ANALYTICS = """
create table event_analytics (
    tenant_id uuid not null,
    event_id uuid not null,
    venue_id uuid not null,
    day date not null,
    currency text not null,
    order_count bigint not null default 0,
    ticket_count bigint not null default 0,
    refunded_ticket_count bigint not null default 0,
    gross_minor bigint not null default 0,
    refund_minor bigint not null default 0,
    fee_minor bigint not null default 0,
    scanned_count bigint not null default 0,
    transferred_count bigint not null default 0,
    new_listing_count bigint not null default 0,
    resale_count bigint not null default 0,
    resale_minor bigint not null default 0,
    royalty_minor bigint not null default 0,
    page_view_count bigint not null default 0,
    cart_count bigint not null default 0,
    checkout_count bigint not null default 0,
    newest_fact_at timestamptz not null,
    primary key (tenant_id, event_id, venue_id, day, currency)
) with (fillfactor = 70)
"""
_EVENT_ANALYTICS_BY_VENUE = """
create index event_analytics_by_venue on event_analytics (tenant_id, venue_id, day)
"""

# Grain: venue, local day, session.
_VISITOR_DAYS = """
create table visitor_days (
    tenant_id uuid not null,
    venue_id uuid not null,
    day date not null,
    session_id text not null,
    primary key (tenant_id, venue_id, day, session_id)
)
"""

# Grain: venue and calendar month of its zone. `checked_at`: when the run that compared it was meant to be.
_DAILY_CHECKS = """
create table daily_checks (
    tenant_id uuid not null,
    venue_id uuid not null,
    month date not null,
    checked_at timestamptz not null,
    repaired_row_count integer not null,
    primary key (tenant_id, venue_id, month)
)
"""

# A venue's facts in the order of time: the check and a change of zone read one venue's month of them.
_BY_VENUE = (
    "create index order_lines_by_venue on order_lines (tenant_id, venue_id, sold_at)",
    """
    create index tickets_by_venue_admission on tickets (tenant_id, venue_id, first_admitted_at)
     where first_admitted_at is not null
    """,
    """
    create index tickets_by_venue_transfer on tickets (tenant_id, venue_id, first_transferred_at)
     where first_transferred_at is not null
    """,
)

# Sales that were recorded before these tables. Days by PostgreSQL's copy of the zones; the first nightly
# check compares them with the service's own.
_BACKFILL_VENUES = """
insert into venue_analytics (tenant_id, venue_id, day, currency, order_count, ticket_count,
                             refunded_ticket_count, gross_minor, refund_minor, fee_minor, newest_fact_at)
select line.tenant_id, line.venue_id, (line.sold_at at time zone venue.time_zone)::date, line.currency,
       sum(order_count), sum(ticket_count), sum(refunded_ticket_count), sum(gross_minor), sum(refund_minor),
       sum(fee_minor - refunded_fee_minor), max(newest_fact_at)
  from order_lines as line
  join venues as venue using (tenant_id, venue_id)
 group by 1, 2, 3, 4
"""
_BACKFILL_EVENTS = """
insert into event_analytics (tenant_id, event_id, venue_id, day, currency, order_count, ticket_count,
                             refunded_ticket_count, gross_minor, refund_minor, fee_minor, newest_fact_at)
select line.tenant_id, line.event_id, line.venue_id, (line.sold_at at time zone venue.time_zone)::date,
       line.currency, sum(event_order_count), sum(ticket_count), sum(refunded_ticket_count), sum(gross_minor),
       sum(refund_minor), sum(fee_minor - refunded_fee_minor), max(newest_fact_at)
  from order_lines as line
  join venues as venue using (tenant_id, venue_id)
 where line.event_id is not null
 group by 1, 2, 3, 4, 5
"""

# Tenants that exist already are checked from the next night on; later ones from their first batch of events.
_SCHEDULE_CHECKS = """
insert into job_schedules (tenant_id, id, job, cron, zone, jitter_seconds, subject, next_due_at)
select distinct tenant_id, '7d1f1c3e-5a86-4f0f-9b0e-2f6f4b7c9a10'::uuid, 'daily.check', '20 3 * * *', 'UTC',
       3600, 'service:metrics', date_trunc('day', now(), 'UTC') + interval '1 day 3 hours 20 minutes'
  from venues
"""


def upgrade() -> None:
    tables = ("venues", "order_lines", "job_schedules")
    apply(_VENUE_ANALYTICS, _EVENT_ANALYTICS, _EVENT_ANALYTICS_BY_VENUE, _VISITOR_DAYS, _DAILY_CHECKS)
    apply(_BY_VENUE)
    apply(f"alter table {table} no force row level security" for table in tables)
    apply(_BACKFILL_VENUES, _BACKFILL_EVENTS, _SCHEDULE_CHECKS)
    apply(f"alter table {table} force row level security" for table in tables)
    for table in ("venue_analytics", "event_analytics", "visitor_days", "daily_checks"):
        apply(tenant_table(table, venue_column="venue_id"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
