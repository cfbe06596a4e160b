"""Scores, segments and the moves between them, per venue and for the tenant as a whole.

A venue_id of zeros marks what was made from all venues of the tenant; row-level security shows it only to
callers without a venue grant, as it would tell about other venues. A run replaces what changed of one venue
(or of the tenant) in one transaction, so that readers see a whole run.
"""

from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import tenant_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Grain: one run for a venue (or the tenant). `cut_points` holds, by measure, the values around the borders
# between scores with how many lie below each: enough to rank one customer anew as a whole run would.
RFM_RUNS = """
create table rfm_runs (
    tenant_id uuid not null,
    venue_id uuid not null,
    computed_at timestamptz not null,
    as_of_day date not null,
    window_days integer,
    customer_count integer not null,
    changed_count integer not null,
    move_count integer not null,
    is_by_fixed_bounds boolean not null,
    cut_points jsonb not null,
    newest_fact_at timestamptz,
    primary key (tenant_id, venue_id, computed_at)
)
"""

# Grain: one customer who has bought at a venue (or at the tenant), as scored last. Written only when
# something of it changed; the recency in days follows from the place's newest run. `spend_minor` is that of
# the window in the main currency, `other_spend` that in others, by currency. A row that was scored between
# two runs is `is_incremental` and keeps as `ranked_*` what the last run ranked (null: the run did not know
# the customer).
CUSTOMER_RFM_SCORES = """
create table customer_rfm_scores (
    tenant_id uuid not null,
    venue_id uuid not null,
    customer_id uuid not null,
    currency text not null,
    last_purchase_at timestamptz not null,
    last_purchase_day date not null,
    order_count integer not null,
    spend_minor bigint not null,
    other_spend jsonb,
    recency_score smallint not null check (recency_score between 1 and 5),
    frequency_score smallint not null check (frequency_score between 1 and 5),
    monetary_score smallint not null check (monetary_score between 1 and 5),
    segment text not null,
    newest_fact_at timestamptz not null,
    changed_at timestamptz not null,
    is_incremental boolean not null,
    ranked_day date,
    ranked_order_count integer,
    ranked_spend_minor bigint,
    primary key (tenant_id, venue_id, customer_id)
) with (fillfactor = 85)
"""

CUSTOMER_RFM_SCORES_BY_SEGMENT = """
create index customer_rfm_scores_by_segment on customer_rfm_scores (tenant_id, venue_id, segment, customer_id)
"""
# Counts people whom a place's last run did not know: with too many of them the place is scored anew.
RFM_NEWCOMERS = """
create index rfm_newcomers on customer_rfm_scores (tenant_id, venue_id)
 where is_incremental and ranked_day is null
"""

# Grain: one customer who came into, left or changed segment. Scores that did not move are null; both
# segments are given unless the customer was new or is gone.
SEGMENT_MOVES = """
create table segment_moves (
    tenant_id uuid not null,
    venue_id uuid not null,
    customer_id uuid not null,
    moved_at timestamptz not null,
    from_segment text,
    to_segment text,
    recency_before smallint,
    recency_after smallint,
    frequency_before smallint,
    frequency_after smallint,
    monetary_before smallint,
    monetary_after smallint,
    is_incremental boolean not null,
    check (from_segment is distinct from to_segment),
    primary key (tenant_id, venue_id, customer_id, moved_at)
)
"""
SEGMENT_MOVES_BY_TIME = "create index segment_moves_by_time on segment_moves (tenant_id, moved_at)"

# Grain: one segment and main currency of its customers; at any moment the sums over customer_rfm_scores, so
# that a question about segments does not read customers. `spend_minor` is that of the segment's customers
# in this currency, be it their main one or not. `last_day_sum` adds days since 2000-01-01.
SEGMENT_TOTALS = """
create table segment_totals (
    tenant_id uuid not null,
    venue_id uuid not null,
    segment text not null,
    currency text not null,
    customer_count bigint not null,
    order_count bigint not null,
    spend_minor bigint not null,
    last_day_sum bigint not null,
    primary key (tenant_id, venue_id, segment, currency)
)
"""

# Grain: one pair of segments ('' where a customer was new or is gone) and local day. The last three count
# the moves in which that score moved.
SEGMENT_FLOWS = """
create table segment_flows (
    tenant_id uuid not null,
    venue_id uuid not null,
    day date not null,
    from_segment text not null,
    to_segment text not null,
    customer_count bigint not null,
    recency_count bigint not null,
    frequency_count bigint not null,
    monetary_count bigint not null,
    primary key (tenant_id, venue_id, day, from_segment, to_segment)
)
"""

# Grain: one customer whose facts at a venue changed and whose scores there, and in the tenant's segments,
# do not follow yet. Written with the facts, taken when scores follow.
RFM_PENDING = """
create table rfm_pending (
    tenant_id uuid not null,
    venue_id uuid not null,
    customer_id uuid not null,
    marked_at timestamptz not null,
    primary key (tenant_id, venue_id, customer_id)
)
"""

# Grain: one segment that a tenant made for a venue. `predicate` is its message as proto3 JSON.
CUSTOMER_SEGMENTS = """
create table customer_segments (
    tenant_id uuid not null,
    venue_id uuid not null,
    segment text not null,
    predicate jsonb not null,
    created_at timestamptz not null,
    primary key (tenant_id, venue_id, segment)
)
"""

# Grain: one customer in a segment that the tenant made.
CUSTOMER_SEGMENT_MEMBERS = """
create table customer_segment_members (
    tenant_id uuid not null,
    venue_id uuid not null,
    segment text not null,
    customer_id uuid not null,
    since timestamptz not null,
    primary key (tenant_id, venue_id, segment, customer_id)
)
"""
MEMBERS_BY_CUSTOMER = """
create index customer_segment_members_by_customer on customer_segment_members (tenant_id, customer_id,
venue_id)
"""

TABLES = (
    "rfm_runs",
    "customer_rfm_scores",
    "segment_moves",
    "segment_totals",
    "segment_flows",
    "rfm_pending",
    "customer_segments",
    "customer_segment_members",
)


def upgrade() -> None:
    apply(
        RFM_RUNS,
        CUSTOMER_RFM_SCORES,
        CUSTOMER_RFM_SCORES_BY_SEGMENT,
        RFM_NEWCOMERS,
        SEGMENT_MOVES,
        SEGMENT_MOVES_BY_TIME,
        SEGMENT_TOTALS,
        SEGMENT_FLOWS,
        RFM_PENDING,
        CUSTOMER_SEGMENTS,
        CUSTOMER_SEGMENT_MEMBERS,
        MEMBERS_BY_CUSTOMER,
    )
    for table in TABLES:
        apply(tenant_table(table, venue_column="venue_id"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
