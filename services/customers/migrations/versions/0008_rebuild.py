"""Rebuilding the read models: what may be deleted for it, how far it came, and what must turn up again."""

from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import tenant_table

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Grain: one tenant. Everything up to the resume token of the raw events has been applied.
_REBUILDS = """
create table read_model_rebuilds (
    tenant_id uuid primary key,
    started_at timestamptz not null,
    resume_token text not null,
    finished_at timestamptz
)
"""

# Grain: one event behind the read models before a rebuild that has not turned up among the raw events yet.
# `is_fact` marks those that a row of the read models stated: without them something would be lost.
_EXPECTED = """
create table read_model_rebuild_events (
    tenant_id uuid not null,
    event_id uuid not null,
    is_fact boolean not null,
    primary key (tenant_id, event_id)
)
"""

# The app role deletes its tenant's rows when it rebuilds them; consumers never delete these.
_MAY_DELETE = """
do $$
declare
    emptied text;
begin
    foreach emptied in array array['events', 'ticket_types', 'inbox'] loop
        execute format('grant delete on table %I to %I', emptied, platform.role('app'));
    end loop;
end $$
"""


def upgrade() -> None:
    apply(_REBUILDS, tenant_table("read_model_rebuilds", app="select, insert, update"))
    apply(_EXPECTED, tenant_table("read_model_rebuild_events"))
    apply(_MAY_DELETE)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
