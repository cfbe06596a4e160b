"""SQL of the venues read model."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from libs.common.postgres.database import Connection


@dataclass(frozen=True, slots=True)
class Venue:
    """A venue as the platform last described it.

    `time_zone` is an IANA name, UTC until a venue.updated event tells; `currency` is None until then.
    """

    venue_id: UUID
    time_zone: str
    currency: str | None


# Grain: one venue. Index: venues_pkey. Row-level security hides what the tenant and the grant do not cover.
_SELECT_VISIBLE = """
select venue_id, time_zone, currency
  from venues
 where venue_id = any($1::uuid[])
"""

# Grain: one new venue id. The key is global, so an id that another tenant holds is silently not inserted;
# sorted, so that two transactions that register the same ids cannot wait for each other in a circle.
_INSERT_UNKNOWN = """
insert into venues (tenant_id, venue_id)
select $1, venue_id
  from unnest($2::uuid[]) as new (venue_id)
 order by venue_id
on conflict (venue_id) do nothing
"""


async def select_visible(conn: Connection, venue_ids: Collection[UUID]) -> list[Venue]:
    """The given venues that the connection's tenant and venue grant may see."""
    rows: Sequence[Any] = await conn.fetch(_SELECT_VISIBLE, list(venue_ids))
    return [Venue(row["venue_id"], row["time_zone"], row["currency"]) for row in rows]


async def insert_unknown(conn: Connection, tenant_id: UUID, venue_ids: Collection[UUID]) -> None:
    """Make the venues of ids that no tenant holds yet."""
    await conn.execute(_INSERT_UNKNOWN, tenant_id, list(venue_ids))
