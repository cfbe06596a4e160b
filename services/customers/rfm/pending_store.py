"""SQL of people whose scores do not follow their facts yet."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection

# Grain: one person at a venue. Index: rfm_pending_pkey. The update makes whoever takes the row wait for
# this transaction, or leave it: nobody takes it for facts that are not visible yet. Sorted, so that writers
# wait in one order.
_MARK = """
insert into rfm_pending (tenant_id, venue_id, customer_id, marked_at)
select $1, venue_id, customer_id, clock_timestamp()
  from unnest($2::uuid[], $3::uuid[]) as new (venue_id, customer_id)
 order by venue_id, customer_id
on conflict (tenant_id, venue_id, customer_id) do update
   set marked_at = excluded.marked_at
"""
# Grain: one person at a venue where they have bought and the tenant has made segments. Indexes:
# customer_venues_by_customer, customer_segments_pkey.
_MARK_PEOPLE = """
insert into rfm_pending (tenant_id, venue_id, customer_id, marked_at)
select $1, seen.venue_id, seen.customer_id, clock_timestamp()
  from customer_venues as seen
 where seen.tenant_id = $1 and seen.customer_id = any($2::uuid[])
   and exists (select from customer_segments as own
                where own.tenant_id = $1 and own.venue_id = seen.venue_id)
 order by seen.venue_id, seen.customer_id
on conflict (tenant_id, venue_id, customer_id) do update
   set marked_at = excluded.marked_at
"""
# Grain: one mark. Index: rfm_pending_pkey. Those of transactions in progress are left to whoever comes next.
_TAKE = """
delete from rfm_pending as taken
 using (select venue_id, customer_id
          from rfm_pending
         where tenant_id = $1
         order by venue_id, customer_id
         limit $2
           for update skip locked) as due
 where taken.tenant_id = $1 and taken.venue_id = due.venue_id and taken.customer_id = due.customer_id
returning taken.venue_id, taken.customer_id
"""
_LOOK = """
select venue_id, customer_id, marked_at
  from rfm_pending
 where tenant_id = $1
 order by venue_id, customer_id
 limit $2
"""
# Grain: one mark that was seen before facts were read and was not made again since. Index: rfm_pending_pkey.
_CLEAR = """
delete from rfm_pending as done
 using unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) as seen (venue_id, customer_id, marked_at)
 where done.tenant_id = $1 and done.venue_id = seen.venue_id and done.customer_id = seen.customer_id
   and done.marked_at = seen.marked_at
"""


class Mark(NamedTuple):
    """A person at a venue whose facts changed, and when."""

    venue_id: UUID
    customer_id: UUID
    marked_at: datetime


class PendingStore:
    """Marks of one tenant inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def mark(self, pairs: Collection[tuple[UUID, UUID]]) -> None:
        """Mark people by (venue, person)."""
        if pairs:
            await self._driver.execute(_MARK, self._tenant_id, *columns(sorted(pairs), 2))

    async def mark_people(self, customer_ids: Collection[UUID]) -> None:
        """Mark people wherever the tenant's own segments may tell of them."""
        if customer_ids:
            await self._driver.execute(_MARK_PEOPLE, self._tenant_id, list(customer_ids))

    async def take(self, limit: int) -> list[tuple[UUID, UUID]]:
        """Some marks, which are gone with this transaction, as (venue, person)."""
        rows = await self._driver.fetch(_TAKE, self._tenant_id, limit)
        return [(row["venue_id"], row["customer_id"]) for row in rows]

    async def look(self, limit: int) -> list[Mark]:
        """Some marks, which stay."""
        rows = await self._driver.fetch(_LOOK, self._tenant_id, limit)
        return [Mark(row["venue_id"], row["customer_id"], row["marked_at"]) for row in rows]

    async def clear(self, marks: Sequence[Mark]) -> None:
        """Drop those marks that were not made again since."""
        if marks:
            await self._driver.execute(_CLEAR, self._tenant_id, *columns(marks, 3))
