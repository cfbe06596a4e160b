"""Counters of venues."""

from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import tenant_table

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Grain: one counter of a venue: the sum of all accepted increments, within 32 bits. The row is made by the
# first increment that is not 0; `updated_at` is null only until the end of the transaction that makes it.
# Rows are updated in place often, hence the room on their pages.
COUNTERS = """
create table counters (
    tenant_id uuid not null,
    venue_id uuid not null,
    counter_type text not null,
    value integer not null,
    updated_at timestamptz,
    primary key (tenant_id, venue_id, counter_type)
) with (fillfactor = 50)
"""


def upgrade() -> None:
    apply(COUNTERS, tenant_table("counters", venue_column="venue_id", app="select, insert, update"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
