"""SQL of the check: which venues and months there are, and when each was compared."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.daily.schedule import CHECK_ID

# Grain: one venue of the tenant. Index: venues_by_tenant.
_VENUES = """
select venue_id, time_zone
  from venues
 where tenant_id = $1
 order by venue_id
"""

# Grain: month of one venue. Index: daily_checks_pkey.
_CHECKED = """
select month, checked_at
  from daily_checks
 where tenant_id = $1 and venue_id = $2
"""
_REMEMBER = """
insert into daily_checks as known (tenant_id, venue_id, month, checked_at, repaired_row_count)
values ($1, $2, $3, $4, $5)
on conflict (tenant_id, venue_id, month) do update
   set checked_at = greatest(known.checked_at, excluded.checked_at),
       repaired_row_count = excluded.repaired_row_count
"""


# Grain: one tenant whose days are checked, for the worker role. job_schedules has a row for each.
_TENANTS = "select tenant_id from job_schedules where id = $1 order by tenant_id"


async def select_tenants(conn: Connection) -> list[UUID]:
    """Every tenant that has days; `conn` is the worker's."""
    return [row["tenant_id"] for row in await conn.fetch(_TENANTS, CHECK_ID)]


class CheckedVenue(NamedTuple):
    """A venue and its IANA zone."""

    venue_id: UUID
    time_zone: str


class CheckStore:
    """What the check of one tenant has to look at, inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def venues(self) -> list[CheckedVenue]:
        rows = await self._driver.fetch(_VENUES, self._tenant_id)
        return [CheckedVenue(row["venue_id"], row["time_zone"]) for row in rows]

    async def checked(self, venue_id: UUID) -> dict[date, datetime]:
        """When each month of a venue was compared last."""
        rows = await self._driver.fetch(_CHECKED, self._tenant_id, venue_id)
        return {row["month"]: row["checked_at"] for row in rows}

    async def remember(self, venue_id: UUID, month: date, checked_at: datetime, repaired: int) -> None:
        """Note that a month was compared, and how many rows were repaired."""
        await self._driver.execute(_REMEMBER, self._tenant_id, venue_id, month, checked_at, repaired)
