"""Erased people: their tombstones, what was touched for each erasure, and their orders by customer."""

from libs.common.erasure.schema import TOMBSTONES_DDL
from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import tenant_table

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Grain: one erasure that was carried out here; `touched_counts` are what the confirmation tells, by table or
# collection.
ERASURES = """
create table erasures (
    tenant_id uuid not null,
    erasure_id uuid not null,
    touched_counts jsonb not null default '{}',
    confirmed_at timestamptz,
    primary key (tenant_id, erasure_id)
)
"""
ORDERS_BY_CUSTOMER = """
create index orders_by_customer on orders (tenant_id, customer_id) where customer_id is not null
"""


def upgrade() -> None:
    apply(*TOMBSTONES_DDL)
    apply(ERASURES, tenant_table("erasures", app="select, insert, update"))
    apply(ORDERS_BY_CUSTOMER)


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
