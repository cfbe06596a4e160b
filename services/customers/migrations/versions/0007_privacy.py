"""Erasures: what was asked for, which services confirmed, and the tombstones of erased people."""

from libs.common.erasure.schema import TOMBSTONES_DDL
from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import tenant_table

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Grain: one erasure, one a person. `sealed_customer` is their id, encrypted, for as long as the work on
# this service's stores needs it, and null from then on. `service_names` are those whose confirmation
# completes the receipt.
ERASURES = """
create table erasures (
    tenant_id uuid not null,
    erasure_id uuid not null,
    pseudonym uuid not null,
    reason text not null,
    requested_by text not null,
    service_names text[] not null,
    sealed_customer text,
    requested_at timestamptz not null default now(),
    completed_at timestamptz,
    primary key (tenant_id, erasure_id),
    unique (tenant_id, pseudonym)
)
"""

# Grain: one service's part in one erasure. `touched_counts`: rows, documents and keys by table, collection
# or cache.
ERASURE_PARTS = """
create table erasure_parts (
    tenant_id uuid not null,
    erasure_id uuid not null,
    service_name text not null,
    touched_counts jsonb not null default '{}',
    confirmed_at timestamptz,
    primary key (tenant_id, erasure_id, service_name)
)
"""


def upgrade() -> None:
    kept = "select, insert, update"
    apply(*TOMBSTONES_DDL)
    apply(ERASURES, tenant_table("erasures", app=kept))
    apply(ERASURE_PARTS, tenant_table("erasure_parts", app=kept))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
