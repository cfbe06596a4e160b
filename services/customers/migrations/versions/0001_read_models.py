"""Read models of the platform's events: the catalog, orders, purchases, admissions, transfers, people.

And the tables that every service has: idempotency keys, inbox, outbox, jobs.

Rows that are replaced as a whole carry their revision (version, revised_at, revision_id): the greatest one
holds, so that events may arrive twice and in any order. Version -1 marks a row that another fact named before
its own event came. Money is in minor units of the row's currency.
"""

from libs.common.bus.inbox import INBOX_DDL
from libs.common.bus.outbox import OUTBOX_DDL
from libs.common.jobs.schema import JOBS_DDL
from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import tenant_table
from libs.common.rpc.idempotency import IDEMPOTENCY_DDL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_REVISION = """
    version bigint not null default -1,
    revised_at timestamptz not null default 'epoch',
    revision_id uuid not null default '00000000-0000-0000-0000-000000000000'
"""

# Grain: one venue. Its id is unique over all tenants: the first to name it owns it.
VENUES = f"""
create table venues (
    venue_id uuid primary key,
    tenant_id uuid not null,
    name text,
    time_zone text not null default 'UTC',
    currency text,
    capacity integer,
    {_REVISION}
)
"""
VENUES_BY_TENANT = "create index venues_by_tenant on venues (tenant_id, venue_id)"

# Grain: one show of a tenant. `cancelled_at` outlives later updates.
EVENTS = f"""
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
    {_REVISION},
    primary key (tenant_id, event_id)
)
"""
EVENTS_BY_VENUE = "create index events_by_venue on events (tenant_id, venue_id, starts_at, event_id)"

# Grain: one ticket type.
TICKET_TYPES = f"""
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
    {_REVISION},
    primary key (tenant_id, ticket_type_id)
)
"""

# Grain: one order as its events state it. Without a sale (version -1) a refund or a cancellation came first.
# `lines` holds [quantity, unit price, ticket type or null, event or null] by line.
ORDERS = f"""
create table orders (
    tenant_id uuid not null,
    order_id uuid not null,
    venue_id uuid,
    event_id uuid,
    customer_id uuid,
    session_id text,
    channel text,
    currency text,
    gross_minor bigint,
    fee_minor bigint,
    lines jsonb,
    cancelled_at timestamptz,
    {_REVISION},
    primary key (tenant_id, order_id)
)
"""
ORDERS_BY_CUSTOMER = """
create index orders_by_customer on orders (tenant_id, customer_id, revised_at) where customer_id is not null
"""

# Grain: one refund. `lines` holds [quantity, ticket type or null, event or null] by line that went back.
REFUNDS = f"""
create table refunds (
    tenant_id uuid not null,
    order_id uuid not null,
    refund_id uuid not null,
    venue_id uuid not null,
    currency text not null,
    amount_minor bigint not null,
    fee_minor bigint not null,
    lines jsonb not null,
    {_REVISION},
    primary key (tenant_id, order_id, refund_id)
)
"""

# Grain: one order of a known customer, and each currency in which it moved money. At any moment derived
# from `orders` and `refunds`; cancelled orders have no row. `order_count` is 1 in the sale's currency while
# something of the order stands (not all of its money, or of its tickets if it cost nothing, went back),
# otherwise 0: its sum is the number of purchases, and the sum of spend_minor is what was spent, refunds
# taken off. Rows of order_count 0 and spend 0 remain as a trace of what was returned.
PURCHASES = """
create table purchases (
    tenant_id uuid not null,
    order_id uuid not null,
    currency text not null,
    venue_id uuid not null,
    customer_id uuid not null,
    event_id uuid,
    sold_at timestamptz not null,
    channel text not null,
    session_id text,
    order_count smallint not null check (order_count in (0, 1)),
    ticket_count integer not null,
    refunded_ticket_count integer not null,
    gross_minor bigint not null,
    refund_minor bigint not null,
    fee_minor bigint not null,
    spend_minor bigint not null generated always as (gross_minor - refund_minor) stored,
    newest_fact_at timestamptz not null,
    primary key (tenant_id, order_id, currency)
)
"""
PURCHASES_BY_CUSTOMER = """
create index purchases_by_customer on purchases (tenant_id, customer_id, sold_at, order_id)
"""
# Carries what scores and lifetime value sum, so that a venue's or a tenant's whole history is read from it
# alone.
PURCHASES_BY_VENUE = """
create index purchases_by_venue on purchases (tenant_id, venue_id, sold_at)
    include (customer_id, currency, order_count, spend_minor)
"""

# Grain: one ticket that was admitted, as its earliest admission tells.
ADMISSIONS = """
create table admissions (
    tenant_id uuid not null,
    ticket_id uuid not null,
    venue_id uuid not null,
    event_id uuid not null,
    order_id uuid,
    customer_id uuid,
    admitted_at timestamptz not null,
    revision_id uuid not null,
    primary key (tenant_id, ticket_id)
)
"""
ADMISSIONS_BY_CUSTOMER = """
create index admissions_by_customer on admissions (tenant_id, customer_id, admitted_at)
 where customer_id is not null
"""
ADMISSIONS_BY_ORDER = (
    "create index admissions_by_order on admissions (tenant_id, order_id) where order_id is not null"
)

# Grain: one passing of a ticket from hand to hand; its id is that of the event that told it.
TRANSFERS = """
create table transfers (
    tenant_id uuid not null,
    transfer_id uuid not null,
    ticket_id uuid not null,
    venue_id uuid not null,
    event_id uuid not null,
    from_customer_id uuid,
    to_customer_id uuid,
    transferred_at timestamptz not null,
    primary key (tenant_id, transfer_id)
)
"""
TRANSFERS_FROM = """
create index transfers_from on transfers (tenant_id, from_customer_id, transferred_at)
 where from_customer_id is not null
"""
TRANSFERS_TO = """
create index transfers_to on transfers (tenant_id, to_customer_id, transferred_at)
 where to_customer_id is not null
"""

# Grain: one person of a tenant, as the last customer event tells, or made by the first fact that names them.
CUSTOMERS = f"""
create table customers (
    tenant_id uuid not null,
    customer_id uuid not null,
    name text not null default '',
    email text not null default '',
    phone text not null default '',
    city text not null default '',
    country text not null default '',
    marketing_consent boolean,
    registered_at timestamptz,
    channel text not null default '',
    tags text[] not null default '{{}}',
    {_REVISION},
    primary key (tenant_id, customer_id)
)
"""

# Grain: one person and a venue that they have dealt with: bought, were admitted, gave or got a ticket. A
# caller with a venue grant sees exactly the people who have a row here for a granted venue. `first_seen_at`
# is the earliest such fact, `last_seen_at` the latest. What is known only grows: whoever once ordered has
# dealt with the venue, also when the order is cancelled, or restated for somebody else.
CUSTOMER_VENUES = """
create table customer_venues (
    tenant_id uuid not null,
    venue_id uuid not null,
    customer_id uuid not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    primary key (tenant_id, venue_id, customer_id)
)
"""
CUSTOMER_VENUES_BY_CUSTOMER = """
create index customer_venues_by_customer on customer_venues (tenant_id, customer_id, venue_id)
"""


def upgrade() -> None:
    apply(IDEMPOTENCY_DDL, INBOX_DDL, OUTBOX_DDL, JOBS_DDL)
    kept = "select, insert, update"
    apply(VENUES, VENUES_BY_TENANT, tenant_table("venues", venue_column="venue_id", app=kept))
    apply(EVENTS, EVENTS_BY_VENUE, tenant_table("events", venue_column="venue_id", app=kept))
    apply(TICKET_TYPES, tenant_table("ticket_types", venue_column="venue_id", app=kept))
    apply(ORDERS, ORDERS_BY_CUSTOMER, tenant_table("orders", venue_column="venue_id"))
    apply(REFUNDS, tenant_table("refunds", venue_column="venue_id"))
    apply(
        PURCHASES,
        PURCHASES_BY_CUSTOMER,
        PURCHASES_BY_VENUE,
        tenant_table("purchases", venue_column="venue_id"),
    )
    apply(
        ADMISSIONS,
        ADMISSIONS_BY_CUSTOMER,
        ADMISSIONS_BY_ORDER,
        tenant_table("admissions", venue_column="venue_id"),
    )
    apply(TRANSFERS, TRANSFERS_FROM, TRANSFERS_TO, tenant_table("transfers", venue_column="venue_id"))
    apply(CUSTOMERS, tenant_table("customers"))
    apply(
        CUSTOMER_VENUES,
        CUSTOMER_VENUES_BY_CUSTOMER,
        tenant_table("customer_venues", venue_column="venue_id"),
    )


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
