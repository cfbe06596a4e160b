"""SQL of purchases, admissions and transfers."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.customers.purchases.book import Purchase

# Grain: one order that this transaction has locked, all its currencies. Index: purchases_pkey, by its first
# two columns. Gives back whose purchases they were.
_TAKE_OUT = """
delete from purchases
 where tenant_id = $1 and order_id = any($2::uuid[])
returning venue_id, customer_id
"""

# Grain: one order and currency. The order is new, or its rows have been taken out by this transaction.
_PUT_IN = """
insert into purchases (tenant_id, order_id, currency, venue_id, customer_id, event_id, sold_at, channel,
                       session_id, order_count, ticket_count, refunded_ticket_count, gross_minor,
                       refund_minor, fee_minor, newest_fact_at)
select $1, order_id, currency, venue_id, customer_id, event_id, sold_at, channel, session_id, order_count,
       ticket_count, refunded_ticket_count, gross_minor, refund_minor, fee_minor, newest_fact_at
  from unnest($2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::uuid[], $7::timestamptz[], $8::text[],
              $9::text[], $10::smallint[], $11::integer[], $12::integer[], $13::bigint[], $14::bigint[],
              $15::bigint[], $16::timestamptz[])
       as new (order_id, currency, venue_id, customer_id, event_id, sold_at, channel, session_id,
               order_count, ticket_count, refunded_ticket_count, gross_minor, refund_minor, fee_minor,
               newest_fact_at)
 order by order_id, currency
"""

# Grain: one admitted ticket. Index: admissions_pkey. The earliest admission holds; sorted, so that two
# transactions wait in one order.
_PUT_ADMISSIONS = """
insert into admissions as old (tenant_id, ticket_id, venue_id, event_id, order_id, customer_id, admitted_at,
                               revision_id)
select $1, ticket_id, venue_id, event_id, order_id, customer_id, admitted_at, revision_id
  from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::timestamptz[], $8::uuid[])
       as new (ticket_id, venue_id, event_id, order_id, customer_id, admitted_at, revision_id)
 order by ticket_id
on conflict (tenant_id, ticket_id) do update
   set venue_id = excluded.venue_id, event_id = excluded.event_id, order_id = excluded.order_id,
       customer_id = excluded.customer_id, admitted_at = excluded.admitted_at,
       revision_id = excluded.revision_id
 where (old.admitted_at, old.revision_id) > (excluded.admitted_at, excluded.revision_id)
"""

# Grain: one transfer, named by its event: it is never restated. Index: transfers_pkey.
_PUT_TRANSFERS = """
insert into transfers (tenant_id, transfer_id, ticket_id, venue_id, event_id, from_customer_id,
                       to_customer_id, transferred_at)
select $1, transfer_id, ticket_id, venue_id, event_id, from_customer_id, to_customer_id, transferred_at
  from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::timestamptz[])
       as new (transfer_id, ticket_id, venue_id, event_id, from_customer_id, to_customer_id, transferred_at)
 order by transfer_id
on conflict (tenant_id, transfer_id) do nothing
"""


class Admission(NamedTuple):
    """A ticket's admission as one scan tells it."""

    ticket_id: UUID
    venue_id: UUID
    event_id: UUID
    order_id: UUID | None
    customer_id: UUID | None
    admitted_at: datetime
    revision_id: UUID


class Transfer(NamedTuple):
    """A ticket that passed from hand to hand."""

    transfer_id: UUID
    ticket_id: UUID
    venue_id: UUID
    event_id: UUID
    from_customer_id: UUID | None
    to_customer_id: UUID | None
    transferred_at: datetime


class PurchaseStore:
    """Purchases and visits of one tenant inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def take_out(self, order_ids: Collection[UUID]) -> set[tuple[UUID, UUID]]:
        """Remove orders that this transaction has locked; returns whose they were, as (venue, customer)."""
        rows = await self._driver.fetch(_TAKE_OUT, self._tenant_id, list(order_ids))
        return {(row["venue_id"], row["customer_id"]) for row in rows}

    async def put_in(self, purchases: Iterable[Purchase]) -> None:
        rows = [
            (
                *purchase.key,
                purchase.venue_id,
                purchase.customer_id,
                purchase.event_id,
                purchase.sold_at,
                purchase.channel,
                purchase.session_id,
                purchase.order_count,
                purchase.ticket_count,
                purchase.refunded_ticket_count,
                purchase.gross_minor,
                purchase.refund_minor,
                purchase.fee_minor,
                purchase.newest_fact_at,
            )
            for purchase in purchases
        ]
        await self._put(_PUT_IN, rows)

    async def put_admissions(self, admissions: Iterable[Admission]) -> None:
        """Keep the earliest admission of each ticket."""
        earliest: dict[UUID, Admission] = {}
        for admission in sorted(admissions, key=lambda one: (one.admitted_at, one.revision_id)):
            earliest.setdefault(admission.ticket_id, admission)
        await self._put(_PUT_ADMISSIONS, list(earliest.values()))

    async def put_transfers(self, transfers: Collection[Transfer]) -> None:
        await self._put(_PUT_TRANSFERS, transfers)

    async def _put(self, statement: str, rows: Collection[tuple[object, ...]]) -> None:
        if rows:
            await self._driver.execute(statement, self._tenant_id, *columns(rows, 0))
