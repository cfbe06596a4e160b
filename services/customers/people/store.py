"""SQL of people as customer events state them, and of the venues they have dealt with."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.bus.revision import Revision
from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection

# Grain: one person. Index: customers_pkey. Sorted, so that two transactions wait in one order; an older
# statement never replaces a newer one. Tags travel as JSON, as arrays of arrays must be rectangular.
_PUT = """
insert into customers as old (tenant_id, customer_id, name, email, phone, city, country, marketing_consent,
                              registered_at, channel, tags, version, revised_at, revision_id)
select $1, customer_id, name, email, phone, city, country, marketing_consent, registered_at, channel,
       array(select jsonb_array_elements_text(tags::jsonb)), version, revised_at, revision_id
  from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[],
              $9::timestamptz[], $10::text[], $11::text[], $12::bigint[], $13::timestamptz[], $14::uuid[])
       as new (customer_id, name, email, phone, city, country, marketing_consent, registered_at, channel,
               tags, version, revised_at, revision_id)
 order by customer_id
on conflict (tenant_id, customer_id) do update
   set name = excluded.name, email = excluded.email, phone = excluded.phone, city = excluded.city,
       country = excluded.country, marketing_consent = excluded.marketing_consent,
       registered_at = excluded.registered_at, channel = excluded.channel, tags = excluded.tags,
       version = excluded.version, revised_at = excluded.revised_at, revision_id = excluded.revision_id
 where (old.version, old.revised_at, old.revision_id)
     < (excluded.version, excluded.revised_at, excluded.revision_id)
"""

# Grain: one person and venue. Index: customer_venues_pkey. Only widens, so that facts may come in any order.
_SEE = """
insert into customer_venues as old (tenant_id, venue_id, customer_id, first_seen_at, last_seen_at)
select $1, venue_id, customer_id, first_seen_at, last_seen_at
  from unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[])
       as new (venue_id, customer_id, first_seen_at, last_seen_at)
 order by venue_id, customer_id
on conflict (tenant_id, venue_id, customer_id) do update
   set first_seen_at = least(old.first_seen_at, excluded.first_seen_at),
       last_seen_at = greatest(old.last_seen_at, excluded.last_seen_at)
 where old.first_seen_at > excluded.first_seen_at or old.last_seen_at < excluded.last_seen_at
"""

# Grain: one person that a fact names. Index: customers_pkey. Their own data comes with customer.registered.
_NAME = """
insert into customers (tenant_id, customer_id)
select $1, customer_id
  from unnest($2::uuid[]) as new (customer_id)
 order by customer_id
on conflict (tenant_id, customer_id) do nothing
"""

# Grain: one person. Index: customers_pkey.
_SELECT = """
select customer_id, name, email, phone, city, country, marketing_consent, registered_at, channel, tags
  from customers
 where tenant_id = $1 and customer_id = any($2::uuid[])
"""

# Grain: one person who has dealt with the venue, or with any that row-level security lets the caller see.
# Index: customer_venues_by_customer.
_SELECT_SEEN = """
select distinct customer_id
  from customer_venues
 where tenant_id = $1 and customer_id = any($2::uuid[]) and ($3::uuid is null or venue_id = $3)
"""

# Grain: one venue of these people. Index: customer_venues_by_customer.
_SELECT_VENUES = """
select distinct venue_id
  from customer_venues
 where tenant_id = $1 and customer_id = any($2::uuid[])
"""


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of a person; texts that are not known are empty."""

    customer_id: UUID
    name: str
    email: str
    phone: str
    city: str
    country: str
    marketing_consent: bool | None
    registered_at: datetime | None
    channel: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonState:
    """A person as one customer event states them; `tags` as a JSON array."""

    customer_id: UUID
    name: str
    email: str
    phone: str
    city: str
    country: str
    marketing_consent: bool | None
    registered_at: datetime | None
    channel: str
    tags: str
    revision: Revision


class PeopleStore:
    """The people of one tenant inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def name(self, customer_ids: Collection[UUID]) -> None:
        """Make the people who do not exist."""
        if customer_ids:
            await self._driver.execute(_NAME, self._tenant_id, list(customer_ids))

    async def see(self, seen: Collection[tuple[UUID, UUID, datetime, datetime]]) -> None:
        """Widen the times at which people dealt with venues: venue, person, first, last; one row a pair."""
        if seen:
            await self._driver.execute(_SEE, self._tenant_id, *columns(seen, 4))

    async def put(self, states: Collection[PersonState]) -> None:
        """Keep the newest statement about each person; one state a person."""
        rows = [
            (
                state.customer_id,
                state.name,
                state.email,
                state.phone,
                state.city,
                state.country,
                state.marketing_consent,
                state.registered_at,
                state.channel,
                state.tags,
                *state.revision,
            )
            for state in states
        ]
        if rows:
            await self._driver.execute(_PUT, self._tenant_id, *columns(rows, 13))

    async def people(self, customer_ids: Sequence[UUID]) -> dict[UUID, Person]:
        """Those of the given people who exist, whomever they have dealt with."""
        rows: Sequence[Any] = await self._driver.fetch(_SELECT, self._tenant_id, list(customer_ids))
        return {row["customer_id"]: Person(**{**row, "tags": tuple(row["tags"])}) for row in rows}

    async def seen(self, customer_ids: Collection[UUID], venue_id: UUID | None) -> set[UUID]:
        """Those of the given people who have dealt with the venue; None: with any the caller sees."""
        rows = await self._driver.fetch(_SELECT_SEEN, self._tenant_id, list(customer_ids), venue_id)
        return {row["customer_id"] for row in rows}

    async def venues_of(self, customer_ids: Collection[UUID]) -> set[UUID]:
        """The venues that these people have dealt with."""
        rows = await self._driver.fetch(_SELECT_VENUES, self._tenant_id, list(customer_ids))
        return {row["venue_id"] for row in rows}
