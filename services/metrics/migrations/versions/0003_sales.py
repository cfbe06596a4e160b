"""Sales by ticket type: orders with their session, counts of orders by show and by ticket type.

The rollup gets a finer grain, so it is made anew from the order lines. Replicas of the version before cannot
write it afterwards: their events stay in the queue until this version takes them.
"""

from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import ALL_ROWS, tenant_table

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The browser or app session an order came from; null when there was none.
ORDERS_SESSION = "alter table orders add column session_id text"

# 1 on the first line of each show of an order, and on the first line of each ticket type of a show.
# `ticket_count` is 0 on the lines that only carry refunds in a foreign currency: they count no order.
ORDER_LINES_COUNTS = """
alter table order_lines
    add column event_order_count integer not null default 0,
    add column line_order_count integer not null default 0
"""
ORDER_LINES_BACKFILL = """
update order_lines as line
   set event_order_count = (place.of_event = 1)::integer, line_order_count = (place.of_type = 1)::integer
  from (select tenant_id, order_id, line_number,
               row_number() over (partition by tenant_id, order_id, event_id
                                  order by line_number) as of_event,
               row_number() over (partition by tenant_id, order_id, event_id, ticket_type_id
                                  order by line_number) as of_type
          from order_lines
         where ticket_count > 0) as place
 where line.tenant_id = place.tenant_id and line.order_id = place.order_id
   and line.line_number = place.line_number
"""
ORDER_LINES_STRICT = """
alter table order_lines
    alter column event_order_count drop default,
    alter column line_order_count drop default
"""

# For distinct orders of several shows, and for the first sale of a show.
ORDER_LINES_BY_EVENT = "create index order_lines_by_event on order_lines (tenant_id, event_id, sold_at)"

# Grain: venue, 15 minutes or a day (UTC), event and ticket type (zero id: none), channel, currency. At any
# moment each width is the sum of the order_lines; days keep long windows cheap. The key reads a venue's time,
# the second index that of one show. Neither holds a column that the sums change, so updates stay within their
# page.
SALES_ROLLUP = """
create table sales_rollup (
    tenant_id uuid not null,
    venue_id uuid not null,
    bucket_minutes smallint not null check (bucket_minutes in (15, 1440)),
    bucket_start timestamptz not null,
    event_id uuid not null,
    ticket_type_id uuid not null,
    channel text not null,
    currency text not null,
    order_count bigint not null,
    event_order_count bigint not null,
    line_order_count bigint not null,
    ticket_count bigint not null,
    gross_minor bigint not null,
    fee_minor bigint not null,
    refunded_ticket_count bigint not null,
    refund_minor bigint not null,
    refunded_fee_minor bigint not null,
    newest_fact_at timestamptz not null,
    primary key (tenant_id, venue_id, bucket_minutes, bucket_start, event_id, ticket_type_id, channel,
                 currency)
) with (fillfactor = 70)
"""
SALES_ROLLUP_BACKFILL = """
insert into sales_rollup (tenant_id, venue_id, bucket_minutes, bucket_start, event_id, ticket_type_id,
                          channel, currency, order_count, event_order_count, line_order_count, ticket_count,
                          gross_minor, fee_minor, refunded_ticket_count, refund_minor, refunded_fee_minor,
                          newest_fact_at)
select tenant_id, venue_id, bucket_minutes, date_bin(make_interval(mins => bucket_minutes), sold_at, 'epoch'),
       coalesce(event_id, '00000000-0000-0000-0000-000000000000'),
       coalesce(ticket_type_id, '00000000-0000-0000-0000-000000000000'), channel, currency,
       sum(order_count), sum(event_order_count), sum(line_order_count), sum(ticket_count), sum(gross_minor),
       sum(fee_minor), sum(refunded_ticket_count), sum(refund_minor), sum(refunded_fee_minor),
       max(newest_fact_at)
  from order_lines
  cross join unnest(array[15, 1440]::smallint[]) as width (bucket_minutes)
 group by 1, 2, 3, 4, 5, 6, 7, 8
"""
SALES_ROLLUP_BY_EVENT = """
create index sales_rollup_by_event on sales_rollup (tenant_id, event_id, bucket_minutes, bucket_start)
"""

# Grain: one order that counts (paid, not cancelled) and came from a session; kept with its lines. `event_ids`
# are its shows. By time for the orders of a window, by session for what became of a visit.
ORDER_SESSIONS = """
create table order_sessions (
    tenant_id uuid not null,
    order_id uuid not null,
    venue_id uuid not null,
    session_id text not null,
    sold_at timestamptz not null,
    event_ids uuid[] not null,
    primary key (tenant_id, order_id)
)
"""
ORDER_SESSIONS_BY_TIME = (
    "create index order_sessions_by_time on order_sessions (tenant_id, venue_id, sold_at)"
)
ORDER_SESSIONS_BY_SESSION = "create index order_sessions_by_session on order_sessions (tenant_id, session_id)"


def upgrade() -> None:
    apply(ORDERS_SESSION)
    apply(ORDER_LINES_COUNTS, "alter table order_lines no force row level security", ORDER_LINES_BACKFILL)
    apply(ORDER_LINES_STRICT, ORDER_LINES_BY_EVENT)
    apply("drop table sales_rollup", SALES_ROLLUP, SALES_ROLLUP_BACKFILL, SALES_ROLLUP_BY_EVENT)
    apply("alter table order_lines force row level security")
    apply(tenant_table("sales_rollup", venue_column="venue_id", app="select, insert, update"))
    apply(
        ORDER_SESSIONS,
        ORDER_SESSIONS_BY_TIME,
        ORDER_SESSIONS_BY_SESSION,
        tenant_table("order_sessions", venue_column="venue_id", app=ALL_ROWS),
    )


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
