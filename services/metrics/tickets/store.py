"""SQL of tickets: the facts as events state them."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.metrics.tickets.facts import Admission, Movement, Place, Ticket, Told

# Grain: one ticket nobody named before. Sorted, so that two transactions with the same tickets wait in one
# order; a ticket that exists already, or that another transaction is just making, is left to _LOCK.
_INSERT_NEW = """
insert into tickets (tenant_id, ticket_id, named_at, named_by, venue_id, event_id, typed_at, typed_by,
                     ticket_type_id, ordered_at, ordered_by, order_id, first_admitted_at, first_admitted_by,
                     first_gate, last_moved_at, last_moved_by, is_inside, first_transferred_at,
                     first_resold_at, newest_fact_at)
select $1, ticket_id, named_at, named_by, venue_id, event_id, typed_at, typed_by,
       ticket_type_id, ordered_at, ordered_by, order_id, first_admitted_at, first_admitted_by,
       first_gate, last_moved_at, last_moved_by, is_inside, first_transferred_at,
       first_resold_at, newest_fact_at
  from unnest($2::uuid[], $3::timestamptz[], $4::uuid[], $5::uuid[], $6::uuid[], $7::timestamptz[],
              $8::uuid[], $9::uuid[], $10::timestamptz[], $11::uuid[], $12::uuid[], $13::timestamptz[],
              $14::uuid[], $15::text[], $16::timestamptz[], $17::uuid[], $18::boolean[], $19::timestamptz[],
              $20::timestamptz[], $21::timestamptz[])
       as new (ticket_id, named_at, named_by, venue_id, event_id, typed_at, typed_by,
               ticket_type_id, ordered_at, ordered_by, order_id, first_admitted_at, first_admitted_by,
               first_gate, last_moved_at, last_moved_by, is_inside, first_transferred_at,
               first_resold_at, newest_fact_at)
 order by ticket_id
on conflict (tenant_id, ticket_id) do nothing
returning ticket_id
"""

# Grain: one ticket. Index: tickets_pkey. Locked in one order, so that whoever restates a ticket sees all that
# was committed before.
_LOCK = """
select ticket_id, named_at, named_by, venue_id, event_id, typed_at, typed_by,
       ticket_type_id, ordered_at, ordered_by, order_id, first_admitted_at, first_admitted_by,
       first_gate, last_moved_at, last_moved_by, is_inside, first_transferred_at,
       first_resold_at, newest_fact_at
  from tickets
 where tenant_id = $1 and ticket_id = any($2::uuid[])
 order by ticket_id
   for update
"""

# Grain: one ticket that this transaction has locked.
_UPDATE = """
update tickets
   set named_at = new.named_at, named_by = new.named_by, venue_id = new.venue_id, event_id = new.event_id,
       typed_at = new.typed_at, typed_by = new.typed_by, ticket_type_id = new.ticket_type_id,
       ordered_at = new.ordered_at, ordered_by = new.ordered_by, order_id = new.order_id,
       first_admitted_at = new.first_admitted_at, first_admitted_by = new.first_admitted_by,
       first_gate = new.first_gate, last_moved_at = new.last_moved_at, last_moved_by = new.last_moved_by,
       is_inside = new.is_inside, first_transferred_at = new.first_transferred_at,
       first_resold_at = new.first_resold_at, newest_fact_at = new.newest_fact_at
  from unnest($2::uuid[], $3::timestamptz[], $4::uuid[], $5::uuid[], $6::uuid[], $7::timestamptz[],
              $8::uuid[], $9::uuid[], $10::timestamptz[], $11::uuid[], $12::uuid[], $13::timestamptz[],
              $14::uuid[], $15::text[], $16::timestamptz[], $17::uuid[], $18::boolean[], $19::timestamptz[],
              $20::timestamptz[], $21::timestamptz[])
       as new (ticket_id, named_at, named_by, venue_id, event_id, typed_at, typed_by,
               ticket_type_id, ordered_at, ordered_by, order_id, first_admitted_at, first_admitted_by,
               first_gate, last_moved_at, last_moved_by, is_inside, first_transferred_at,
               first_resold_at, newest_fact_at)
 where tickets.tenant_id = $1 and tickets.ticket_id = new.ticket_id
"""

_NOTHING = (None, None, None)


class TicketStore:
    """Tickets of one tenant inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def insert_new(self, tickets: Collection[Ticket]) -> frozenset[UUID]:
        """Make the tickets that do not exist; returns their ids."""
        rows = await self._driver.fetch(_INSERT_NEW, self._tenant_id, *columns(map(_row, tickets), 20))
        return frozenset(row["ticket_id"] for row in rows)

    async def lock(self, ticket_ids: Collection[UUID]) -> list[Ticket]:
        """Existing tickets, locked until the transaction ends."""
        rows = await self._driver.fetch(_LOCK, self._tenant_id, list(ticket_ids))
        return [_ticket(row) for row in rows]

    async def update(self, tickets: Collection[Ticket]) -> None:
        """Restate locked tickets."""
        await self._driver.execute(_UPDATE, self._tenant_id, *columns(map(_row, tickets), 20))


def _row(ticket: Ticket) -> tuple[Any, ...]:
    return (
        ticket.ticket_id,
        *ticket.place,
        *(ticket.ticket_type or _NOTHING),
        *(ticket.order or _NOTHING),
        *(ticket.admission or _NOTHING),
        *(ticket.movement or _NOTHING),
        ticket.first_transferred_at,
        ticket.first_resold_at,
        ticket.newest_fact_at,
    )


def _ticket(row: Any) -> Ticket:
    typed, ordered, admitted, moved = (tuple(row)[start : start + 3] for start in (5, 8, 11, 14))
    return Ticket(
        ticket_id=row["ticket_id"],
        place=Place(row["named_at"], row["named_by"], row["venue_id"], row["event_id"]),
        newest_fact_at=row["newest_fact_at"],
        ticket_type=Told(*typed) if typed[0] else None,
        order=Told(*ordered) if ordered[0] else None,
        admission=Admission(*admitted) if admitted[0] else None,
        movement=Movement(*moved) if moved[0] else None,
        first_transferred_at=row["first_transferred_at"],
        first_resold_at=row["first_resold_at"],
    )
