"""Use case: when the shows of a scope go on sale and open their doors."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.postgres.database import Connection

# Grain: one show that takes place. Index: events_by_venue, venue by venue from its latest show on, so that
# the cost is that of limit and venues, not of all shows there ever were. Row-level security limits venues.
_SELECT_DATED = """
select show.event_id, show.on_sale_at, show.doors_at, show.starts_at
  from venues
  cross join lateral (
       select event_id, on_sale_at, doors_at, starts_at
         from events
        where tenant_id = $1 and venue_id = venues.venue_id and starts_at >= $3 and cancelled_at is null
        order by starts_at desc
        limit $4) as show
 where venues.tenant_id = $1 and ($2::uuid is null or venues.venue_id = $2)
 order by show.starts_at desc, show.event_id
 limit $4
"""


@dataclass(frozen=True, slots=True)
class DatedShow:
    """A show whose time is known; `on_sale_at` None: nobody said."""

    event_id: UUID
    on_sale_at: datetime | None
    doors_at: datetime
    starts_at: datetime


async def dated_shows(
    conn: Connection, tenant_id: UUID, venue_id: UUID | None, *, since: datetime, limit: int
) -> list[DatedShow]:
    """The latest shows that start at or after an instant and are not cancelled, latest first.

    Args:
        conn: A transaction of the tenant; its venue grant limits the answer.
        tenant_id: The tenant.
        venue_id: Only this venue, or None for all that the transaction sees.
        since: Earliest start.
        limit: Most shows.
    """
    rows = await conn.fetch(_SELECT_DATED, tenant_id, venue_id, since, limit)
    return [
        DatedShow(row["event_id"], row["on_sale_at"], row["doors_at"] or row["starts_at"], row["starts_at"])
        for row in rows
    ]
