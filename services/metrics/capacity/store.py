"""SQL of seats: shows, their ticket types and the tickets sold of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from libs.common.buckets import Window
from libs.common.postgres.database import Connection

MOST_EVENTS: Final = 1000
MOST_DATED: Final = 100

# Grain: one show. Index: events_pkey.
_EVENT = """
select event_id, name, starts_at, capacity,
       greatest(nullif(revised_at, 'epoch'), cancelled_at) as newest_fact_at
  from events
 where tenant_id = $1 and venue_id = $2 and event_id = $3
"""

# Grain: one show of those given. Index: events_pkey.
_EVENTS = """
select event_id, name, starts_at, capacity,
       greatest(nullif(revised_at, 'epoch'), cancelled_at) as newest_fact_at
  from events
 where tenant_id = $1 and event_id = any($2::uuid[])
"""

# Grain: one show to come or under way. Index: events_by_venue. Reads one row more than is answered.
_OPEN_EVENTS = """
select event_id, name, starts_at, capacity,
       greatest(nullif(revised_at, 'epoch'), cancelled_at) as newest_fact_at
  from events
 where tenant_id = $1 and venue_id = $2 and cancelled_at is null
   and coalesce(ends_at, starts_at + interval '1 day', 'infinity') > $3
 order by starts_at, event_id
 limit $4
"""

# Grain: one show whose doors open within a span, by then; the first of them, each with the number of all.
# Index: events_by_doors, venue by venue, so that the cost is that of venues and of the span's shows.
# Row-level security limits the venues.
_OPENING_EVENTS = """
select show.event_id, show.name, show.starts_at, show.capacity, show.newest_fact_at,
       count(*) over () as show_count
  from venues
  cross join lateral (
       select event_id, name, starts_at, coalesce(doors_at, starts_at) as doors_at, capacity,
              nullif(revised_at, 'epoch') as newest_fact_at
         from events
        where tenant_id = $1 and venue_id = venues.venue_id and cancelled_at is null
          and coalesce(doors_at, starts_at) >= $3 and coalesce(doors_at, starts_at) < $4) as show
 where venues.tenant_id = $1 and ($2::uuid is null or venues.venue_id = $2)
 order by show.doors_at, show.event_id
 limit $5
"""

# Grain: one show that begins within a span, as above. Index: events_by_venue.
_STARTING_EVENTS = """
select show.event_id, show.name, show.starts_at, show.capacity, show.newest_fact_at,
       count(*) over () as show_count
  from venues
  cross join lateral (
       select event_id, name, starts_at, capacity, nullif(revised_at, 'epoch') as newest_fact_at
         from events
        where tenant_id = $1 and venue_id = venues.venue_id and cancelled_at is null
          and starts_at >= $3 and starts_at < $4) as show
 where venues.tenant_id = $1 and ($2::uuid is null or venues.venue_id = $2)
 order by show.starts_at, show.event_id
 limit $5
"""

# Grain: one ticket type that was described, or that tickets were sold of (zero id: none was named). Tickets
# that were sold without their show count for the show of their type. Index: ticket_types_by_event,
# ticket_counts_pkey.
_TICKET_TYPES = """
with described as (
    select event_id, ticket_type_id, name, capacity, held, revised_at
      from ticket_types
     where tenant_id = $1 and event_id = any($2::uuid[])
), counted as (
    select event_id, ticket_type_id, sold_count - refunded_count as sold, newest_fact_at
      from ticket_counts
     where tenant_id = $1 and event_id = any($2::uuid[])
    union all
    select described.event_id, ticket_type_id, count.sold_count - count.refunded_count, count.newest_fact_at
      from described
      join ticket_counts as count using (ticket_type_id)
     where count.tenant_id = $1 and count.event_id = '00000000-0000-0000-0000-000000000000'
), sold as (
    select event_id, ticket_type_id, sum(sold)::bigint as sold, max(newest_fact_at) as newest_fact_at
      from counted
     group by event_id, ticket_type_id
)
select event_id, nullif(ticket_type_id, '00000000-0000-0000-0000-000000000000') as ticket_type_id,
       described.name, described.capacity, described.held, coalesce(sold.sold, 0) as sold,
       greatest(described.revised_at, sold.newest_fact_at) as newest_fact_at
  from described
  full join sold using (event_id, ticket_type_id)
 order by event_id, described.name nulls last, ticket_type_id
"""


@dataclass(frozen=True, slots=True)
class EventRow:
    """A show; name, start and capacity are None where the platform has not told."""

    event_id: UUID
    name: str | None
    starts_at: datetime | None
    capacity: int | None
    newest_fact_at: datetime | None


class DatedEvents(NamedTuple):
    """The first shows of a span of time, at most MOST_DATED, and how many it has."""

    events: list[EventRow]
    total_count: int


@dataclass(frozen=True, slots=True)
class TicketTypeRow:
    """A ticket type of a show with its net sales."""

    event_id: UUID
    ticket_type_id: UUID | None
    name: str | None
    capacity: int | None
    held: int | None
    sold: int
    newest_fact_at: datetime


async def select_event(conn: Connection, tenant_id: UUID, venue_id: UUID, event_id: UUID) -> EventRow | None:
    """The show, if the venue has it."""
    row = await conn.fetchrow(_EVENT, tenant_id, venue_id, event_id)
    return None if row is None else _event(row)


async def select_events(conn: Connection, tenant_id: UUID, event_ids: Sequence[UUID]) -> list[EventRow]:
    """Those of the shows that the transaction sees."""
    return [_event(row) for row in await conn.fetch(_EVENTS, tenant_id, list(event_ids))]


async def select_open_events(
    conn: Connection, tenant_id: UUID, venue_id: UUID, now: datetime
) -> list[EventRow]:
    """Shows that are neither cancelled nor over, by start; at most MOST_EVENTS + 1."""
    rows = await conn.fetch(_OPEN_EVENTS, tenant_id, venue_id, now, MOST_EVENTS + 1)
    return [_event(row) for row in rows]


async def select_opening_events(
    conn: Connection, tenant_id: UUID, venue_id: UUID | None, span: Window
) -> DatedEvents:
    """Shows whose doors open within a span; of one venue, or of all that the transaction sees."""
    return _dated(await conn.fetch(_OPENING_EVENTS, tenant_id, venue_id, span.start, span.end, MOST_DATED))


async def select_starting_events(
    conn: Connection, tenant_id: UUID, venue_id: UUID | None, span: Window
) -> DatedEvents:
    """Shows that begin within a span; of one venue, or of all that the transaction sees."""
    return _dated(await conn.fetch(_STARTING_EVENTS, tenant_id, venue_id, span.start, span.end, MOST_DATED))


async def select_ticket_types(
    conn: Connection, tenant_id: UUID, event_ids: Sequence[UUID]
) -> list[TicketTypeRow]:
    """Ticket types of the shows, by show and name."""
    rows = await conn.fetch(_TICKET_TYPES, tenant_id, list(event_ids))
    return [TicketTypeRow(**dict(row)) for row in rows]


def _dated(rows: Sequence[Any]) -> DatedEvents:
    events = [dict(row) for row in rows]
    total = max([event.pop("show_count") for event in events], default=0)
    return DatedEvents([_event(event) for event in events], total)


def _event(row: Any) -> EventRow:
    return EventRow(**dict(row))
