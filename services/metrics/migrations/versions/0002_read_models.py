"""Read models of the platform's events: venues, events, ticket types, orders and the sums kept over them.

Every table whose rows are replaced as a whole carries their revision (version, revised_at, revision_id): the
greatest one holds, so that events may arrive twice and in any order. Version -1 marks a row that another fact
named before its own event came. Money is in minor units of the row's currency.
"""

from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import tenant_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Grain: one venue. Its id is unique over all tenants: the first to name it owns it.
VENUES = """
create table venues (
    venue_id uuid primary key,
    tenant_id uuid not null,
    name text,
    time_zone text not null default 'UTC',
    currency text,
    capacity integer,
    version bigint not null default -1,
    revised_at timestamptz not null default 'epoch',
    revision_id uuid not null default '00000000-0000-0000-0000-000000000000'
)
"""
VENUES_BY_TENANT = "create index venues_by_tenant on venues (tenant_id, venue_id)"

# Grain: one show of a tenant. Made by event.created / event.updated, or by the first order or ticket type
# that names it. `cancelled_at` outlives later updates.
EVENTS = """
create table events (
    tenant_id uuid not null,
    event_id uuid not null,
    venue_id uuid not null,
    name text,
    genre text,
    performer text,
    status text,
    starts_at timestamptz,
    doors_at timestamptz,
    ends_at timestamptz,
    on_sale_at timestamptz,
    capacity integer,
    cancelled_at timestamptz,
    version bigint not null default -1,
    revised_at timestamptz not null default 'epoch',
    revision_id uuid not null default '00000000-0000-0000-0000-000000000000',
    primary key (tenant_id, event_id)
)
"""
EVENTS_BY_VENUE = "create index events_by_venue on events (tenant_id, venue_id, starts_at, event_id)"

# Grain: one ticket type. `capacity` counts all tickets of the type: sold, held and for sale.
TICKET_TYPES = """
create table ticket_types (
    tenant_id uuid not null,
    ticket_type_id uuid not null,
    event_id uuid not null,
    venue_id uuid not null,
    name text not null,
    price_minor bigint not null,
    currency text not null,
    capacity integer not null,
    held integer not null,
    version bigint not null,
    revised_at timestamptz not null,
    revision_id uuid not null,
    primary key (tenant_id, ticket_type_id)
)
"""
TICKET_TYPES_BY_EVENT = "create index ticket_types_by_event on ticket_types (tenant_id, event_id)"

# Grain: one order as its events state it. Without a sale (version -1) a refund or a cancellation came first.
# `lines` holds [quantity, unit price, ticket type or null, event or null] by line.
ORDERS = """
create table orders (
    tenant_id uuid not null,
    order_id uuid not null,
    venue_id uuid,
    event_id uuid,
    customer_id uuid,
    channel text,
    currency text,
    gross_minor bigint,
    fee_minor bigint,
    lines jsonb,
    cancelled_at timestamptz,
    version bigint not null default -1,
    revised_at timestamptz not null default 'epoch',
    revision_id uuid not null default '00000000-0000-0000-0000-000000000000',
    primary key (tenant_id, order_id)
)
"""

# Grain: one refund. `lines` holds [quantity, ticket type or null, event or null] by line that went back.
REFUNDS = """
create table refunds (
    tenant_id uuid not null,
    order_id uuid not null,
    refund_id uuid not null,
    venue_id uuid not null,
    currency text not null,
    amount_minor bigint not null,
    fee_minor bigint not null,
    lines jsonb not null,
    version bigint not null,
    revised_at timestamptz not null,
    revision_id uuid not null,
    primary key (tenant_id, order_id, refund_id)
)
"""

# Grain: one line of an order that counts, with the order's gross, fees and refunds allocated to it: the
# books. `order_count` is 1 on the first line of an order. Index by time for the edges of windows that cut a
# bucket.
ORDER_LINES = """
create table order_lines (
    tenant_id uuid not null,
    order_id uuid not null,
    line_number integer not null,
    venue_id uuid not null,
    sold_at timestamptz not null,
    channel text not null,
    currency text not null,
    event_id uuid,
    ticket_type_id uuid,
    order_count integer not null,
    ticket_count integer not null,
    gross_minor bigint not null,
    fee_minor bigint not null,
    refunded_ticket_count integer not null,
    refund_minor bigint not null,
    refunded_fee_minor bigint not null,
    newest_fact_at timestamptz not null,
    primary key (tenant_id, order_id, line_number)
)
"""
ORDER_LINES_BY_TIME = "create index order_lines_by_time on order_lines (tenant_id, sold_at)"

# Grain: venue, 15 minutes or a day (UTC), event (zero id: none), channel, currency. At any moment each width
# is the sum of the order_lines; days keep long windows cheap.
SALES_ROLLUP = """
create table sales_rollup (
    tenant_id uuid not null,
    venue_id uuid not null,
    bucket_minutes smallint not null check (bucket_minutes in (15, 1440)),
    bucket_start timestamptz not null,
    event_id uuid not null,
    channel text not null,
    currency text not null,
    order_count bigint not null,
    ticket_count bigint not null,
    gross_minor bigint not null,
    fee_minor bigint not null,
    refunded_ticket_count bigint not null,
    refund_minor bigint not null,
    refunded_fee_minor bigint not null,
    newest_fact_at timestamptz not null,
    primary key (tenant_id, venue_id, bucket_minutes, bucket_start, event_id, channel, currency)
) with (fillfactor = 70)
"""

# Grain: event and ticket type (zero id: not told) at the venue of the orders. At any moment the sum of
# order_lines.
TICKET_COUNTS = """
create table ticket_counts (
    tenant_id uuid not null,
    event_id uuid not null,
    ticket_type_id uuid not null,
    venue_id uuid not null,
    sold_count bigint not null,
    refunded_count bigint not null,
    newest_fact_at timestamptz not null,
    primary key (tenant_id, event_id, ticket_type_id, venue_id)
) with (fillfactor = 70)
"""


def upgrade() -> None:
    apply(
        VENUES,
        VENUES_BY_TENANT,
        tenant_table("venues", venue_column="venue_id", app="select, insert, update"),
    )
    apply(
        EVENTS, EVENTS_BY_VENUE, tenant_table("events", venue_column="venue_id", app="select, insert, update")
    )
    apply(
        TICKET_TYPES,
        TICKET_TYPES_BY_EVENT,
        tenant_table("ticket_types", venue_column="venue_id", app="select, insert, update"),
    )
    apply(ORDERS, tenant_table("orders", venue_column="venue_id", app="select, insert, update"))
    apply(REFUNDS, tenant_table("refunds", venue_column="venue_id", app="select, insert, update"))
    apply(ORDER_LINES, ORDER_LINES_BY_TIME, tenant_table("order_lines", venue_column="venue_id"))
    apply(
        SALES_ROLLUP,
        tenant_table("sales_rollup", venue_column="venue_id", app="select, insert, update"),
    )
    apply(TICKET_COUNTS, tenant_table("ticket_counts", venue_column="venue_id", app="select, insert, update"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
