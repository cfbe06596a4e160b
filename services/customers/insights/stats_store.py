"""SQL of counts of findings and of refreshes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from libs.common.postgres.database import Connection

# Grain: one type, priority, state and whether there is something to do. Index: insights_by_priority. What an
# open row says of its state ends with `expires_at`.
_COUNTS: Final = """
select type, priority_rank,
       case when state = 'open' and expires_at <= $3 then 'expired' else state end as state,
       suggested_action <> '' as has_action, count(*)::integer as insight_count
  from insights
 where tenant_id = $1 and venue_id = $2
 group by 1, 2, 3, 4
"""
_REFRESH: Final = """
select refreshed_at, test_count, newest_fact_at
  from insight_refreshes
 where tenant_id = $1 and venue_id = $2
"""
# Grain: one venue. Holds its row until the transaction ends, so that refreshes of a venue follow each other.
_PUT_REFRESH: Final = """
insert into insight_refreshes (tenant_id, venue_id, refreshed_at, test_count, newest_fact_at)
values ($1, $2, $3, $4, $5)
on conflict (tenant_id, venue_id) do update
   set refreshed_at = excluded.refreshed_at, test_count = excluded.test_count,
       newest_fact_at = excluded.newest_fact_at
"""
# Grain: one venue of the tenant. Index: venues_by_tenant.
_VENUES: Final = """
select venue_id
  from venues
 where tenant_id = $1
 order by venue_id
"""


class Count(NamedTuple):
    """Findings that are alike."""

    type: str
    priority_rank: int
    state: str
    has_action: bool
    insight_count: int


@dataclass(frozen=True, slots=True)
class LastRefresh:
    """A venue's last refresh."""

    refreshed_at: datetime
    test_count: int
    newest_fact_at: datetime | None


async def select_counts(conn: Connection, tenant_id: UUID, venue_id: UUID, now: datetime) -> list[Count]:
    rows = await conn.fetch(_COUNTS, tenant_id, venue_id, now)
    return [Count(*row) for row in rows]


async def select_refresh(conn: Connection, tenant_id: UUID, venue_id: UUID) -> LastRefresh | None:
    row = await conn.fetchrow(_REFRESH, tenant_id, venue_id)
    return None if row is None else LastRefresh(**dict(row))


async def put_refresh(conn: Connection, tenant_id: UUID, venue_id: UUID, refresh: LastRefresh) -> None:
    """Keep a refresh, and let others of the venue wait until the transaction ends."""
    await conn.execute(
        _PUT_REFRESH, tenant_id, venue_id, refresh.refreshed_at, refresh.test_count, refresh.newest_fact_at
    )


async def venue_ids_of(conn: Connection, tenant_id: UUID) -> list[UUID]:
    """All venues that the transaction sees."""
    return [row["venue_id"] for row in await conn.fetch(_VENUES, tenant_id)]
