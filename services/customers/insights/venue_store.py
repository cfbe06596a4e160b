"""SQL of a venue's sales by day and of its best customers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from libs.common.postgres.database import Connection
from services.customers.insights.facts import LOOK_BACK_DAYS, DaySales, RegularCustomer, VenueFacts

# Grain: one local day, channel and currency. Index: purchases_by_venue, a range of its times.
_DAYS: Final = """
select (sold_at at time zone $5)::date as day, channel, currency, sum(order_count)::bigint as order_count,
       sum(spend_minor)::bigint as net_minor
  from purchases
 where tenant_id = $1 and venue_id = $2 and sold_at >= $3 and sold_at < $4
 group by 1, 2, 3
"""

# Grain: one customer with purchases on at least 3 days: the tenth that spent most in one currency, 20 at
# least. Index: purchases_by_venue, which holds every column. The best are chosen by what they spent and never
# by when: who is chosen for having been here lately is never late.
_REGULARS: Final = """
with visited as (
    select customer_id, (sold_at at time zone $5)::date as day,
           sum(spend_minor) filter (where currency = $6)::bigint as spend_minor
      from purchases
     where tenant_id = $1 and venue_id = $2 and sold_at >= $3 and sold_at < $4 and order_count = 1
     group by 1, 2
), regular as (
    select customer_id, count(*) as day_count, min(day) as first_day, max(day) as last_day,
           coalesce(sum(spend_minor), 0)::bigint as spend_minor
      from visited
     group by customer_id
    having count(*) >= 3
), ranked as (
    select regular.*, row_number() over (order by spend_minor desc, customer_id) as place,
           count(*) over () as regular_count
      from regular
)
select customer_id, day_count, first_day, last_day
  from ranked
 where place <= least(greatest(20, regular_count / 10), 2000)
 order by place
"""

# Grain: one venue. Index: purchases_newest, its last row.
_NEWEST: Final = """
select max(newest_fact_at)
  from purchases
 where tenant_id = $1 and venue_id = $2
"""


async def select_days(conn: Connection, tenant_id: UUID, venue_id: UUID, facts: VenueFacts) -> list[DaySales]:
    """Purchases of the last two years, by whole local days in no order."""
    window = facts.window(*facts.last_days(LOOK_BACK_DAYS))
    rows = await conn.fetch(_DAYS, tenant_id, venue_id, window.start, window.end, facts.clock.key)
    return [DaySales(*row) for row in rows]


async def select_regulars(
    conn: Connection, tenant_id: UUID, venue_id: UUID, facts: VenueFacts, currency: str
) -> list[RegularCustomer]:
    """Best customers of the last two years by what they spent in a currency."""
    window = facts.window(*facts.last_days(LOOK_BACK_DAYS))
    rows: Sequence[Any] = await conn.fetch(
        _REGULARS, tenant_id, venue_id, window.start, window.end, facts.clock.key, currency
    )
    return [RegularCustomer(*row) for row in rows]


async def newest_fact(conn: Connection, tenant_id: UUID, venue_id: UUID) -> datetime | None:
    """When the newest fact about the venue's purchases happened."""
    newest: datetime | None = await conn.fetchval(_NEWEST, tenant_id, venue_id)
    return newest
