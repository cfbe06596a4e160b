"""Campaigns as commands left them; their documents in MongoDB follow these rows.

A row is replaced by each command under its lock, with `version` one higher; `etag`s are made from it.
"""

from libs.common.postgres.migrate import apply
from libs.common.postgres.rls import tenant_table

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Grain: one campaign of a venue. Money in minor units; null: not stated.
_CAMPAIGNS = """
create table campaigns (
    tenant_id uuid not null,
    campaign_id uuid not null,
    venue_id uuid not null,
    name text not null,
    channel text not null,
    type text not null,
    status text not null,
    budget_minor bigint,
    budget_currency text,
    spend_minor bigint,
    spend_currency text,
    starts_at timestamptz,
    ends_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null,
    primary key (tenant_id, campaign_id),
    check ((budget_minor is null) = (budget_currency is null)),
    check ((spend_minor is null) = (spend_currency is null))
)
"""


def upgrade() -> None:
    apply(_CAMPAIGNS, tenant_table("campaigns", venue_column="venue_id", app="select, insert, update"))


def downgrade() -> None:
    raise NotImplementedError("migrations go forward: restore a backup to go back")
