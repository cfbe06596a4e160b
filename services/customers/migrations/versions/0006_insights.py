"""Tables of insights, and what finds facts of a venue or show without reading all purchases."""

from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import tenant_table

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Grain: one finding: a subject of a type at a venue. Its id follows from these, so that a refresh finds it
# again. `evidence` holds the numbers of the last refresh that found it, `judged_*` those on which somebody
# dismissed it or acted. `priority_rank` is 0 for low to 2 for high. Open rows whose `expires_at` has passed
# count as expired at once; the next refresh writes it down.
INSIGHTS = """
create table insights (
    tenant_id uuid not null,
    insight_id uuid not null,
    venue_id uuid not null,
    type text not null,
    subject text not null,
    priority_rank smallint not null check (priority_rank between 0 and 2),
    state text not null check (state in ('open', 'dismissed', 'actioned', 'expired')),
    title text not null,
    description text not null,
    suggested_action text not null,
    evidence jsonb not null,
    found_at timestamptz not null,
    confirmed_at timestamptz not null,
    expires_at timestamptz not null,
    newest_fact_at timestamptz,
    judged_value double precision,
    judged_comparison double precision,
    judged_priority_rank smallint,
    dismissed_at timestamptz,
    dismiss_reason text not null default '',
    primary key (tenant_id, insight_id),
    unique (tenant_id, venue_id, type, subject)
)
"""
INSIGHTS_BY_PRIORITY = """
create index insights_by_priority
    on insights (tenant_id, venue_id, priority_rank desc, found_at desc, insight_id)
"""

# Grain: one thing that was done about a finding.
INSIGHT_ACTIONS = """
create table insight_actions (
    tenant_id uuid not null,
    insight_id uuid not null,
    action_id uuid not null,
    venue_id uuid not null,
    action text not null,
    parameters jsonb not null,
    taken_at timestamptz not null,
    primary key (tenant_id, insight_id, action_id),
    foreign key (tenant_id, insight_id) references insights on delete cascade
)
"""

# Grain: one venue: its last refresh.
INSIGHT_REFRESHES = """
create table insight_refreshes (
    tenant_id uuid not null,
    venue_id uuid not null,
    refreshed_at timestamptz not null,
    test_count integer not null,
    newest_fact_at timestamptz,
    primary key (tenant_id, venue_id)
)
"""

# The last row tells how new a venue's purchases are.
PURCHASES_NEWEST = "create index purchases_newest on purchases (tenant_id, venue_id, newest_fact_at)"
# A show's sales over time; without this a show would cost its venue's history.
PURCHASES_BY_EVENT = """
create index purchases_by_event on purchases (tenant_id, event_id, sold_at)
    include (ticket_count, refunded_ticket_count)
 where event_id is not null
"""


def upgrade() -> None:
    apply(INSIGHTS, INSIGHTS_BY_PRIORITY, tenant_table("insights", venue_column="venue_id"))
    apply(
        INSIGHT_ACTIONS,
        tenant_table("insight_actions", venue_column="venue_id", app="select, insert, delete"),
    )
    apply(
        INSIGHT_REFRESHES,
        tenant_table("insight_refreshes", venue_column="venue_id", app="select, insert, update"),
    )
    apply(PURCHASES_NEWEST, PURCHASES_BY_EVENT)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
