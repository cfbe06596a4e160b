"""SQL of campaigns' command rows."""

from typing import TYPE_CHECKING, Final
from uuid import UUID

from libs.common.money import Money
from libs.common.postgres.database import Connection
from services.customers.campaigns.campaign import Campaign

if TYPE_CHECKING:
    import asyncpg

# Grain: one campaign, by campaigns_pkey; row-level security hides what the token's grant does not cover.
_SELECT: Final = """
select campaign_id, venue_id, name, channel, type, status, budget_minor, budget_currency, spend_minor,
       spend_currency, starts_at, ends_at, created_at, updated_at, version
  from campaigns
 where tenant_id = $1 and campaign_id = $2
"""

# The same, locked: commands on one campaign follow each other.
_LOCK: Final = """
select campaign_id, venue_id, name, channel, type, status, budget_minor, budget_currency, spend_minor,
       spend_currency, starts_at, ends_at, created_at, updated_at, version
  from campaigns
 where tenant_id = $1 and campaign_id = $2
   for update
"""

# Grain: one campaign that is new, or the next state of one that the transaction holds locked. By
# campaigns_pkey.
_SAVE: Final = """
insert into campaigns (tenant_id, campaign_id, venue_id, name, channel, type, status, budget_minor,
                       budget_currency, spend_minor, spend_currency, starts_at, ends_at, created_at,
                       updated_at, version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
on conflict (tenant_id, campaign_id) do update
set name = excluded.name, status = excluded.status, budget_minor = excluded.budget_minor,
    budget_currency = excluded.budget_currency, spend_minor = excluded.spend_minor,
    spend_currency = excluded.spend_currency, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
    updated_at = excluded.updated_at, version = excluded.version
"""


async def read_campaign(
    conn: Connection, tenant_id: UUID, campaign_id: UUID, *, locked: bool = False
) -> Campaign | None:
    """The campaign as the last command left it; None where the scope has none."""
    row = await conn.fetchrow(_LOCK if locked else _SELECT, tenant_id, campaign_id)
    return None if row is None else _campaign(row)


async def save_campaign(conn: Connection, tenant_id: UUID, campaign: Campaign) -> None:
    await conn.execute(
        _SAVE,
        tenant_id,
        campaign.campaign_id,
        campaign.venue_id,
        campaign.name,
        campaign.channel,
        campaign.type,
        campaign.status,
        *_parts(campaign.budget),
        *_parts(campaign.spend),
        campaign.starts_at,
        campaign.ends_at,
        campaign.created_at,
        campaign.updated_at,
        campaign.version,
    )


def _parts(money: Money | None) -> tuple[int | None, str | None]:
    return (None, None) if money is None else (money.amount_minor, money.currency)


def _campaign(row: "asyncpg.Record") -> Campaign:
    fields = dict(row)
    for name in ("budget", "spend"):
        amount, currency = fields.pop(f"{name}_minor"), fields.pop(f"{name}_currency")
        fields[name] = None if amount is None else Money(amount, currency)
    return Campaign(**fields)
