"""SQL that keeps the newest statement about each venue, event and ticket type."""

from collections.abc import Collection, Iterable
from uuid import UUID

from libs.common.catalog.statements import (
    CancelledEvent,
    EventState,
    NamedEvent,
    TicketTypeState,
    VenueState,
)
from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection

# Every statement below: one row an entity (the caller has merged repeats), sorted by its key so that two
# transactions wait in one order, and an older statement never replaces a newer one.

# Grain: one registered venue. Index: venues_pkey.
_PUT_VENUES = """
insert into venues as old (tenant_id, venue_id, name, time_zone, currency, capacity,
                           version, revised_at, revision_id)
select $1, venue_id, name, time_zone, currency, capacity, version, revised_at, revision_id
  from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::integer[],
              $7::bigint[], $8::timestamptz[], $9::uuid[])
       as new (venue_id, name, time_zone, currency, capacity, version, revised_at, revision_id)
 order by venue_id
on conflict (venue_id) do update
   set name = excluded.name, time_zone = excluded.time_zone, currency = excluded.currency,
       capacity = excluded.capacity, version = excluded.version, revised_at = excluded.revised_at,
       revision_id = excluded.revision_id
 where (old.version, old.revised_at, old.revision_id)
     < (excluded.version, excluded.revised_at, excluded.revision_id)
"""

# Grain: one show and venue that facts name together; `is_home` is set once a show, where it is made. Index:
# events_pkey. Gives back the venues of shows that were not known, and of those that take place elsewhere than
# a fact says.
_NAME_EVENTS = """
with named as materialized (
    select event_id, venue_id, is_home
      from unnest($2::uuid[], $3::uuid[], $4::boolean[]) as new (event_id, venue_id, is_home)
), made as (
    insert into events (tenant_id, event_id, venue_id)
    select $1, event_id, venue_id
      from named
     where is_home
     order by event_id
    on conflict (tenant_id, event_id) do nothing
    returning venue_id
)
select venue_id from made
union
select known.venue_id
  from named
  join events as known
    on known.tenant_id = $1 and known.event_id = named.event_id and known.venue_id <> named.venue_id
"""

# Grain: one show. Index: events_pkey. Leaves cancelled_at alone.
_PUT_EVENTS = """
insert into events as old (tenant_id, event_id, venue_id, name, genre, performer, status, starts_at, doors_at,
                           ends_at, on_sale_at, capacity, version, revised_at, revision_id)
select $1, event_id, venue_id, name, genre, performer, status, starts_at, doors_at,
       ends_at, on_sale_at, capacity, version, revised_at, revision_id
  from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
              $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::integer[],
              $13::bigint[], $14::timestamptz[], $15::uuid[])
       as new (event_id, venue_id, name, genre, performer, status, starts_at, doors_at,
               ends_at, on_sale_at, capacity, version, revised_at, revision_id)
 order by event_id
on conflict (tenant_id, event_id) do update
   set venue_id = excluded.venue_id, name = excluded.name, genre = excluded.genre,
       performer = excluded.performer, status = excluded.status, starts_at = excluded.starts_at,
       doors_at = excluded.doors_at, ends_at = excluded.ends_at, on_sale_at = excluded.on_sale_at,
       capacity = excluded.capacity, version = excluded.version, revised_at = excluded.revised_at,
       revision_id = excluded.revision_id
 where (old.version, old.revised_at, old.revision_id)
     < (excluded.version, excluded.revised_at, excluded.revision_id)
"""

# Grain: one cancelled show. Index: events_pkey. greatest() ignores the null of a show not cancelled before.
_CANCEL_EVENTS = """
insert into events as old (tenant_id, event_id, venue_id, cancelled_at)
select $1, event_id, venue_id, cancelled_at
  from unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) as new (event_id, venue_id, cancelled_at)
 order by event_id
on conflict (tenant_id, event_id) do update
   set cancelled_at = greatest(old.cancelled_at, excluded.cancelled_at)
"""

# Grain: one ticket type. Index: ticket_types_pkey.
_PUT_TICKET_TYPES = """
insert into ticket_types as old (tenant_id, ticket_type_id, event_id, venue_id, name, price_minor, currency,
                                 capacity, held, version, revised_at, revision_id)
select $1, ticket_type_id, event_id, venue_id, name, price_minor, currency,
       capacity, held, version, revised_at, revision_id
  from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::text[], $8::integer[],
              $9::integer[], $10::bigint[], $11::timestamptz[], $12::uuid[])
       as new (ticket_type_id, event_id, venue_id, name, price_minor, currency,
               capacity, held, version, revised_at, revision_id)
 order by ticket_type_id
on conflict (tenant_id, ticket_type_id) do update
   set event_id = excluded.event_id, venue_id = excluded.venue_id, name = excluded.name,
       price_minor = excluded.price_minor, currency = excluded.currency, capacity = excluded.capacity,
       held = excluded.held, version = excluded.version, revised_at = excluded.revised_at,
       revision_id = excluded.revision_id
 where (old.version, old.revised_at, old.revision_id)
     < (excluded.version, excluded.revised_at, excluded.revision_id)
"""


# Grain: one venue that has any of these shows. Index: events_pkey.
_VENUES_OF_EVENTS = """
select distinct venue_id
  from events
 where tenant_id = $1 and event_id = any($2::uuid[])
"""


class StatementStore:
    """The catalog of one tenant inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def venues_of_events(self, event_ids: Collection[UUID]) -> frozenset[UUID]:
        """Where these shows take place as far as is known."""
        if not event_ids:
            return frozenset()
        rows = await self._driver.fetch(_VENUES_OF_EVENTS, self._tenant_id, list(event_ids))
        return frozenset(row["venue_id"] for row in rows)

    async def put_venues(self, states: Collection[VenueState]) -> None:
        rows = [
            (state.venue_id, state.name, state.time_zone, state.currency, state.capacity, *state.revision)
            for state in states
        ]
        await self._put(_PUT_VENUES, rows)

    async def name_events(self, named: Iterable[NamedEvent]) -> frozenset[UUID]:
        """Make the shows that do not exist; returns the venues of those, and of shows that lie elsewhere.

        Args:
            named: Shows; one that is named at several venues is made at the last of them.
        """
        home: dict[UUID, UUID] = {}
        pairs: dict[NamedEvent, None] = {}
        for pair in named:
            home[pair.event_id] = pair.venue_id
            pairs[pair] = None
        if not pairs:
            return frozenset()
        marked = [(*pair, home[pair.event_id] == pair.venue_id) for pair in pairs]
        rows = await self._driver.fetch(_NAME_EVENTS, self._tenant_id, *columns(marked, 3))
        return frozenset(row["venue_id"] for row in rows)

    async def put_events(self, states: Collection[EventState]) -> None:
        rows = [
            (
                state.event_id,
                state.venue_id,
                state.name,
                state.genre,
                state.performer,
                state.status,
                state.starts_at,
                state.doors_at,
                state.ends_at,
                state.on_sale_at,
                state.capacity,
                *state.revision,
            )
            for state in states
        ]
        await self._put(_PUT_EVENTS, rows)

    async def cancel_events(self, cancelled: Collection[CancelledEvent]) -> None:
        await self._put(_CANCEL_EVENTS, list(cancelled))

    async def put_ticket_types(self, states: Collection[TicketTypeState]) -> None:
        rows = [
            (
                state.ticket_type_id,
                state.event_id,
                state.venue_id,
                state.name,
                state.price_minor,
                state.currency,
                state.capacity,
                state.held,
                *state.revision,
            )
            for state in states
        ]
        await self._put(_PUT_TICKET_TYPES, rows)

    async def _put(self, statement: str, rows: Collection[tuple[object, ...]]) -> None:
        if rows:
            await self._driver.execute(statement, self._tenant_id, *columns(rows, 0))
