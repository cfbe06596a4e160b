"""SQL of visitors by day: made anew from what sessions did, and compared with it."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from libs.common.postgres.database import Connection

# Grain: session and day of one venue. Reads session_activity by its key, in the months concerned. $3: days,
# $4: their edges.
_PUT_VISITORS = """
insert into visitor_days (tenant_id, venue_id, day, session_id)
select distinct $1::uuid, $2::uuid, ($3::date[])[width_bucket(happened_at, $4::timestamptz[])], session_id
  from session_activity
 where tenant_id = $1 and venue_id = $2 and happened_at >= ($4::timestamptz[])[1]
   and happened_at < ($4::timestamptz[])[cardinality($4::timestamptz[])]
on conflict (tenant_id, venue_id, day, session_id) do nothing
"""

# Grain: the number of sessions and days that one side lacks. Index: visitor_days_pkey; the rest as above. $5:
# the day after the last one.
_DIFFERENT_VISITORS = """
with facts as (
    select distinct ($3::date[])[width_bucket(happened_at, $4::timestamptz[])] as day, session_id
      from session_activity
     where tenant_id = $1 and venue_id = $2 and happened_at >= ($4::timestamptz[])[1]
       and happened_at < ($4::timestamptz[])[cardinality($4::timestamptz[])]
), kept as (
    select day, session_id
      from visitor_days
     where tenant_id = $1 and venue_id = $2 and day >= ($3::date[])[1] and day < $5
)
select count(*)
  from facts
  full join kept on kept.day = facts.day and kept.session_id = facts.session_id
 where facts.day is null or kept.day is null
"""

# Grain: sessions of days whose visits retention has dropped, of one venue. Index: visitor_days_pkey. In
# rounds, so that no transaction is long.
_FORGET_VISITORS = """
delete from visitor_days
 where ctid = any(array(select ctid
                          from visitor_days
                         where tenant_id = $1 and venue_id = $2 and day < $3
                         limit $4))
   and tenant_id = $1
"""


class VisitorStore:
    """Visitors by day of one venue."""

    def __init__(self, conn: Connection, tenant_id: UUID, venue_id: UUID) -> None:
        self._driver = conn
        self._venue = (tenant_id, venue_id)

    async def put(self, days: Sequence[date], edges: Sequence[datetime]) -> None:
        """Make the rows of days that were cleared."""
        await self._driver.execute(_PUT_VISITORS, *self._venue, list(days), list(edges))

    async def count_different(self, days: Sequence[date], edges: Sequence[datetime], end: date) -> int:
        """How many rows are missing or have no visit behind them, from the first day up to `end`."""
        different: int = await self._driver.fetchval(
            _DIFFERENT_VISITORS, *self._venue, list(days), list(edges), end
        )
        return different

    async def forget(self, before: date, *, limit: int) -> int:
        """Delete up to `limit` rows of days whose visits are no longer kept; returns how many."""
        tag = await self._driver.execute(_FORGET_VISITORS, *self._venue, before, limit)
        return int(tag.rpartition(" ")[2])
