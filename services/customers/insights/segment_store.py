"""SQL of moves out of good segments, from what the runs of scores have written."""

from collections.abc import Collection
from datetime import date
from typing import Final
from uuid import UUID

from libs.common.postgres.database import Connection
from services.customers.insights.facts import GoodSegments

# Grain: one venue. Index: segment_totals_pkey, and rfm_runs_pkey, its first row of the venue.
_MEMBERS: Final = """
select (select sum(customer_count)::bigint
          from segment_totals
         where tenant_id = $1 and venue_id = $2 and segment = any($3::text[])) as member_count,
       (select as_of_day
          from rfm_runs
         where tenant_id = $1 and venue_id = $2
         order by computed_at
         limit 1) as known_since
"""

# Grain: one local day on which customers left the given segments for others. Index: segment_flows_pkey, a
# range of a venue's days.
_FALLEN: Final = """
select day, sum(customer_count)::bigint as fallen_count
  from segment_flows
 where tenant_id = $1 and venue_id = $2 and day >= $4 and from_segment = any($3::text[])
   and to_segment <> '' and not to_segment = any($3::text[])
 group by day
"""


async def select_good(
    conn: Connection, tenant_id: UUID, venue_id: UUID, segments: Collection[str], since: date
) -> GoodSegments | None:
    """Members of these segments and who fell out of them; None where nothing was ever scored."""
    row = await conn.fetchrow(_MEMBERS, tenant_id, venue_id, list(segments))
    if row is None or row["known_since"] is None:
        return None
    fallen = await conn.fetch(_FALLEN, tenant_id, venue_id, list(segments), since)
    by_day = {each["day"]: each["fallen_count"] for each in fallen}
    return GoodSegments(row["member_count"] or 0, by_day, row["known_since"])
