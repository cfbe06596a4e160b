"""Tickets: what scans, transfers and resales say about each, and the sums that the doors board reads.

`tickets` is what the events say together, whatever their order: the earliest admission, the latest movement
through a gate, and the latest statement of show, type and order (each with the event behind it, so that
equal times have one order everywhere). At any moment the sums below equal what the rows of `tickets` and
`scans` add up to. A scan in a month that has no partition is not kept, and a refusal then not counted,
because its repeat could not be told from it; the admission of such a scan still counts by its ticket.
"""

from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import partitioned_table, tenant_table

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Grain: one ticket that was admitted, let out, passed on, offered or resold; a refused scan says nothing
# about a ticket. `is_inside` is null before its first movement.
TICKETS = """
create table tickets (
    tenant_id uuid not null,
    ticket_id uuid not null,
    venue_id uuid not null,
    event_id uuid not null,
    named_at timestamptz not null,
    named_by uuid not null,
    ticket_type_id uuid,
    typed_at timestamptz,
    typed_by uuid,
    order_id uuid,
    ordered_at timestamptz,
    ordered_by uuid,
    first_admitted_at timestamptz,
    first_admitted_by uuid,
    first_gate text,
    last_moved_at timestamptz,
    last_moved_by uuid,
    is_inside boolean,
    first_transferred_at timestamptz,
    first_resold_at timestamptz,
    newest_fact_at timestamptz not null,
    primary key (tenant_id, ticket_id)
) with (fillfactor = 80)
"""
TICKETS_BY_ORDER = "create index tickets_by_order on tickets (tenant_id, order_id) where order_id is not null"
TICKETS_BY_ADMISSION = """
create index tickets_by_admission on tickets (tenant_id, first_admitted_at)
 where first_admitted_at is not null
"""

# Grain: one scan; its id is its event's. Tells a refusal from its repeat while the partition is kept.
SCANS = """
create table scans (
    tenant_id uuid not null,
    scan_id uuid not null,
    ticket_id uuid not null,
    event_id uuid not null,
    venue_id uuid not null,
    gate text not null,
    result text not null check (result in ('admitted', 'readmitted', 'exited', 'refused')),
    scanned_at timestamptz not null,
    primary key (tenant_id, scan_id, scanned_at)
) partition by range (scanned_at)
"""

# Grain: show and ticket type (zero id: not told) at the venue of the tickets. The sum of tickets.
TICKET_STATUS_COUNTS = """
create table ticket_status_counts (
    tenant_id uuid not null,
    event_id uuid not null,
    ticket_type_id uuid not null,
    venue_id uuid not null,
    admitted_count bigint not null,
    inside_count bigint not null,
    transferred_count bigint not null,
    resold_count bigint not null,
    newest_fact_at timestamptz not null,
    primary key (tenant_id, event_id, ticket_type_id, venue_id)
) with (fillfactor = 70)
"""

# Grain: gate of a show. Admissions are first ones, at the gate where they happened. `last_scan_at` is null
# where an admission that was restated since had made the row.
GATES = """
create table gates (
    tenant_id uuid not null,
    event_id uuid not null,
    gate text not null,
    venue_id uuid not null,
    admitted_count bigint not null,
    refused_count bigint not null,
    last_scan_at timestamptz,
    primary key (tenant_id, event_id, gate, venue_id)
) with (fillfactor = 70)
"""

# Grain: gate of a show and minute (UTC) in which something was counted.
GATE_MINUTES = """
create table gate_minutes (
    tenant_id uuid not null,
    event_id uuid not null,
    minute_start timestamptz not null,
    gate text not null,
    venue_id uuid not null,
    admitted_count bigint not null,
    refused_count bigint not null,
    primary key (tenant_id, event_id, minute_start, gate, venue_id)
) partition by range (minute_start)
"""

# Grain: 15 minutes or a day (UTC) and show. First admissions; the sum of tickets, at each width.
ADMISSION_ROLLUP = """
create table admission_rollup (
    tenant_id uuid not null,
    bucket_minutes smallint not null check (bucket_minutes in (15, 1440)),
    bucket_start timestamptz not null,
    event_id uuid not null,
    venue_id uuid not null,
    admitted_count bigint not null,
    newest_fact_at timestamptz not null,
    primary key (tenant_id, bucket_minutes, bucket_start, event_id, venue_id)
) with (fillfactor = 70)
"""

# Shows of a venue by the time their doors open.
EVENTS_BY_DOORS = """
create index events_by_doors on events (tenant_id, venue_id, (coalesce(doors_at, starts_at)), event_id)
"""

# All shows of a tenant by start, which lists of shows are paged by.
EVENTS_BY_START = "create index events_by_start on events (tenant_id, starts_at, event_id)"

_KEPT = {"since": "now() - interval '400 days'", "until": "now() + interval '62 days'"}
_WRITTEN = "select, insert, update"


def upgrade() -> None:
    apply(TICKETS, TICKETS_BY_ORDER, TICKETS_BY_ADMISSION)
    apply(tenant_table("tickets", venue_column="venue_id", app=_WRITTEN))
    apply(SCANS)
    apply(partitioned_table("scans", grain="month", venue_column="venue_id", app="select, insert", **_KEPT))
    apply(GATE_MINUTES)
    apply(partitioned_table("gate_minutes", grain="month", venue_column="venue_id", app=_WRITTEN, **_KEPT))
    apply(TICKET_STATUS_COUNTS, GATES, ADMISSION_ROLLUP)
    for table in ("ticket_status_counts", "gates", "admission_rollup"):
        apply(tenant_table(table, venue_column="venue_id", app=_WRITTEN))
    apply(EVENTS_BY_DOORS, EVENTS_BY_START)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
