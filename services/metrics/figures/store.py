"""SQL of the shows that figures are about."""

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from libs.common.postgres.database import Connection

MOST_SHOWS: Final = 1000

# Grain: one show of those given. Index: events_pkey.
_SHOWS = """
select event_id, venue_id, greatest(nullif(revised_at, 'epoch'), cancelled_at) as newest_fact_at
  from events
 where tenant_id = $1 and event_id = any($2::uuid[])
 order by venue_id, event_id
"""

# Grain: one show that at an instant was neither cancelled nor over. Index: events_by_venue. Reads one row
# more than is answered.
_OPEN_SHOWS = """
select event_id, venue_id, greatest(nullif(revised_at, 'epoch'), cancelled_at) as newest_fact_at
  from events
 where tenant_id = $1 and (cardinality($2::uuid[]) = 0 or venue_id = any($2))
   and (cancelled_at is null or cancelled_at >= $3)
   and coalesce(ends_at, starts_at + interval '1 day', 'infinity') > $3
 order by venue_id, event_id
 limit $4
"""


class KnownShow(NamedTuple):
    """A show, its venue, and the newest statement about it."""

    event_id: UUID
    venue_id: UUID
    newest_fact_at: datetime | None


async def select_shows(
    conn: Connection, tenant_id: UUID, event_ids: Collection[UUID]
) -> dict[UUID, KnownShow]:
    """Those of the shows that the transaction sees."""
    if not event_ids:
        return {}
    rows = await conn.fetch(_SHOWS, tenant_id, list(event_ids))
    return {row["event_id"]: KnownShow(*row) for row in rows}


async def select_open_shows(
    conn: Connection, tenant_id: UUID, venue_ids: Collection[UUID], at: datetime
) -> dict[UUID, KnownShow]:
    """Shows to come or under way at an instant, of some venues or of all; at most MOST_SHOWS + 1."""
    rows = await conn.fetch(_OPEN_SHOWS, tenant_id, list(venue_ids), at, MOST_SHOWS + 1)
    return {row["event_id"]: KnownShow(*row) for row in rows}
