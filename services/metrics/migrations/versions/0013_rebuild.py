"""Rebuilding the read models: what may be deleted for it, and how far it came.

read_model_rebuilds   one tenant; the raw event up to which the rebuild in progress has applied everything
"""

from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import tenant_table

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_REBUILDS = """
create table read_model_rebuilds (
    tenant_id uuid primary key,
    started_at timestamptz not null,
    stored_at timestamptz not null,
    last_id text not null,
    finished_at timestamptz
)
"""

# The app role deletes its tenant's rows when it rebuilds them; consumers never delete most of them.
_MAY_DELETE = """
do $$
declare
    emptied text;
begin
    foreach emptied in array array[
        'events', 'ticket_types', 'orders', 'refunds', 'order_lines', 'order_sessions', 'sales_rollup',
        'ticket_counts', 'session_activity', 'session_days', 'sessions', 'tickets', 'scans',
        'ticket_status_counts', 'gates', 'gate_minutes', 'admission_rollup', 'listing_statements',
        'listings', 'listing_spans', 'resales', 'venue_analytics', 'event_analytics', 'visitor_days',
        'platform_series', 'inbox']
    loop
        execute format('grant delete on table %I to %I', emptied, platform.role('app'));
    end loop;
end $$
"""


def upgrade() -> None:
    apply(_REBUILDS, tenant_table("read_model_rebuilds", app="select, insert, update"))
    apply(_MAY_DELETE)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
