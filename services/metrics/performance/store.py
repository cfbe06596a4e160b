"""SQL of shows and of their past."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from libs.common.buckets import Window
from libs.common.postgres.database import Connection
from services.metrics.performance.shows import Show

MOST_PAST: Final = 2000
"""Past shows that are looked at for comparison: the latest of all venues."""
_MOST_PAST_OF_VENUE: Final = 500

# Grain: one show. Index: events_pkey. Row-level security hides shows of venues that are not granted.
_ONE: Final = """
select event_id
  from events
 where tenant_id = $1 and event_id = $2 and ($3::uuid is null or venue_id = $3)
"""

# Grain: one show that begins within a window. Index: events_by_venue, venue by venue, so that only rows of
# the window are read; reads one row more than is answered.
_STARTING: Final = """
select show.event_id
  from venues
  cross join lateral (
       select event_id, starts_at
         from events
        where tenant_id = $1 and venue_id = venues.venue_id and starts_at >= $3 and starts_at < $4
        order by starts_at, event_id
        limit $5) as show
 where venues.tenant_id = $1 and ($2::uuid is null or venues.venue_id = $2)
 order by show.starts_at, show.event_id
 limit $5
"""

# Grain: one past show that took place. Index: events_by_venue, backwards, venue by venue, so that the cost is
# that of the limits and not of all shows there ever were. Three years: older ones sold in another time.
_PAST: Final = """
select show.event_id
  from venues
  cross join lateral (
       select event_id, coalesce(doors_at, starts_at) as doors_at
         from events
        where tenant_id = $1 and venue_id = venues.venue_id and cancelled_at is null
          and starts_at >= $2::timestamptz - interval '3 years' and coalesce(doors_at, starts_at) <= $2
        order by starts_at desc
        limit $3) as show
 where venues.tenant_id = $1
 order by show.doors_at desc, show.event_id
 limit $4
"""

# Grain: one show of those given. Index: events_pkey, order_lines_by_event (its first row of a show),
# ticket_types_by_event.
_SHOWS: Final = """
select show.event_id, show.venue_id, venues.time_zone, coalesce(show.name, '') as name,
       coalesce(show.genre, '') as genre, show.starts_at,
       coalesce(show.doors_at, show.starts_at) as doors_at, show.on_sale_at, sold.first_sold_at,
       case when type.currency_count = 1 then type.price_minor end as price_minor,
       coalesce(type.currency, '') as currency, show.cancelled_at is not null as cancelled,
       greatest(nullif(show.revised_at, 'epoch'), show.cancelled_at, type.revised_at) as newest_fact_at
  from events as show
  join venues on venues.tenant_id = $1 and venues.venue_id = show.venue_id
  left join lateral (
       select min(sold_at) as first_sold_at
         from order_lines
        where tenant_id = $1 and event_id = show.event_id) as sold on true
  left join lateral (
       select percentile_cont(0.5) within group (order by price_minor) as price_minor,
              min(currency) as currency, count(distinct currency) as currency_count,
              max(revised_at) as revised_at
         from ticket_types
        where tenant_id = $1 and event_id = show.event_id) as type on true
 where show.tenant_id = $1 and show.event_id = any($2::uuid[])
"""


async def select_one(conn: Connection, tenant_id: UUID, event_id: UUID, venue_id: UUID | None) -> list[UUID]:
    """The show, if the transaction sees it, at this venue where one is given."""
    rows = await conn.fetch(_ONE, tenant_id, event_id, venue_id)
    return [row["event_id"] for row in rows]


async def select_starting(
    conn: Connection, tenant_id: UUID, venue_id: UUID | None, window: Window, limit: int
) -> list[UUID]:
    """Shows that begin within the window, by start; at most `limit` + 1."""
    rows = await conn.fetch(_STARTING, tenant_id, venue_id, window.start, window.end, limit + 1)
    return [row["event_id"] for row in rows]


async def select_past(conn: Connection, tenant_id: UUID, at: datetime) -> list[UUID]:
    """Shows whose doors had opened by an instant and that were not cancelled, the latest first."""
    rows = await conn.fetch(_PAST, tenant_id, at, _MOST_PAST_OF_VENUE, MOST_PAST)
    return [row["event_id"] for row in rows]


async def select_shows(conn: Connection, tenant_id: UUID, event_ids: Collection[UUID]) -> dict[UUID, Show]:
    """Those of the shows that the transaction sees, in no order."""
    rows = await conn.fetch(_SHOWS, tenant_id, list(event_ids))
    return {row["event_id"]: Show(**dict(row)) for row in rows}
