"""Which months of a venue hold facts or rows of days: those that a rewrite and the check have to look at."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.postgres.database import Connection
from services.metrics.daily.days import LAST_DAY, after_month, day_of, start_of

_FIRST_DAY: Final = date(2, 1, 1)

# Grain: one venue; the first fact from $3 on, and the first row of days from $4 on. Every branch reads one
# entry of an index by tenant, venue and time, that of visits one of each month's partition. A day of visits
# (UTC) may have begun before the fact in it.
_NEXT = """
select (select min(moment)
          from (select min(sold_at) as moment
                  from order_lines where tenant_id = $1 and venue_id = $2 and sold_at >= $3
                union all
                select min(first_admitted_at)
                  from tickets where tenant_id = $1 and venue_id = $2 and first_admitted_at >= $3
                union all
                select min(first_transferred_at)
                  from tickets where tenant_id = $1 and venue_id = $2 and first_transferred_at >= $3
                union all
                select min(first_listed_at)
                  from listings where tenant_id = $1 and venue_id = $2 and first_listed_at >= $3
                union all
                select min(resold_at)
                  from resales where tenant_id = $1 and venue_id = $2 and resold_at >= $3
                union all
                select greatest($3, min(day))
                  from session_days
                 where tenant_id = $1 and venue_id = $2
                   and event_id = '00000000-0000-0000-0000-000000000000' and day > $3 - interval '1 day'
                having min(day) is not null) as fact) as fact_at,
       (select min(day)
          from (select min(day) as day
                  from venue_analytics where tenant_id = $1 and venue_id = $2 and day >= $4
                union all
                select min(day)
                  from event_analytics where tenant_id = $1 and venue_id = $2 and day >= $4
                union all
                select min(day)
                  from visitor_days where tenant_id = $1 and venue_id = $2 and day >= $4) as kept) as row_day
"""


async def months_of(
    conn: Connection, tenant_id: UUID, venue_id: UUID, clock: ZoneInfo
) -> AsyncIterator[date]:
    """First days of the months, in a zone, that hold facts of the venue or rows of its days, ascending.

    Months between them cost nothing. What lies in the calendar's first and last year is left alone.
    """
    day, instant = _FIRST_DAY, datetime.combine(_FIRST_DAY, datetime.min.time(), UTC)
    while day < LAST_DAY:
        row = await conn.fetchrow(_NEXT, tenant_id, venue_id, instant, day)
        assert row is not None
        found = [day_of(row["fact_at"], clock)] if row["fact_at"] else []
        found += [row["row_day"]] if row["row_day"] else []
        if not found or min(found) >= LAST_DAY:
            return
        month = min(found).replace(day=1)
        yield month
        day = after_month(month)
        instant = start_of(day, clock)
