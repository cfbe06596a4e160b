"""SQL of orders and refunds: the facts as events state them."""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from libs.common.bus.revision import Revision
from libs.common.orders.facts import Order, Refund, ReturnedLine, Sale, SoldLine
from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection

# Grain: one order nobody named before. Sorted, so that two transactions with the same orders wait in one
# order; an order that exists already, or that another transaction is just making, is left to _LOCK.
_INSERT_NEW = """
insert into orders (tenant_id, order_id, venue_id, event_id, customer_id, session_id, channel, currency,
                    gross_minor, fee_minor, lines, version, revised_at, revision_id, cancelled_at)
select $1, order_id, venue_id, event_id, customer_id, session_id, channel, currency, gross_minor,
       fee_minor, lines::jsonb, coalesce(version, -1), coalesce(revised_at, 'epoch'),
       coalesce(revision_id, '00000000-0000-0000-0000-000000000000'), cancelled_at
  from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[],
              $9::bigint[], $10::bigint[], $11::text[], $12::bigint[], $13::timestamptz[], $14::uuid[],
              $15::timestamptz[])
       as new (order_id, venue_id, event_id, customer_id, session_id, channel, currency, gross_minor,
               fee_minor, lines, version, revised_at, revision_id, cancelled_at)
 order by order_id
on conflict (tenant_id, order_id) do nothing
returning order_id
"""

# Grain: one order. Index: orders_pkey. Locked in one order, so that whoever restates an order sees all that
# was committed before.
_LOCK = """
select order_id, venue_id, event_id, customer_id, session_id, channel, currency, gross_minor, fee_minor,
       lines, version, revised_at, revision_id, cancelled_at
  from orders
 where tenant_id = $1 and order_id = any($2::uuid[])
 order by order_id
   for update
"""

# Grain: one refund. Index: refunds_pkey, by its first two columns.
_REFUNDS = """
select order_id, refund_id, venue_id, currency, amount_minor, fee_minor, lines,
       version, revised_at, revision_id
  from refunds
 where tenant_id = $1 and order_id = any($2::uuid[])
"""

# Grain: one order that this transaction has locked.
_UPDATE = """
update orders
   set venue_id = new.venue_id, event_id = new.event_id, customer_id = new.customer_id,
       session_id = new.session_id, channel = new.channel, currency = new.currency,
       gross_minor = new.gross_minor, fee_minor = new.fee_minor,
       lines = new.lines::jsonb, version = coalesce(new.version, -1),
       revised_at = coalesce(new.revised_at, 'epoch'),
       revision_id = coalesce(new.revision_id, '00000000-0000-0000-0000-000000000000'),
       cancelled_at = new.cancelled_at
  from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[],
              $9::bigint[], $10::bigint[], $11::text[], $12::bigint[], $13::timestamptz[], $14::uuid[],
              $15::timestamptz[])
       as new (order_id, venue_id, event_id, customer_id, session_id, channel, currency, gross_minor,
               fee_minor, lines, version, revised_at, revision_id, cancelled_at)
 where orders.tenant_id = $1 and orders.order_id = new.order_id
"""

# Grain: one refund of an order that this transaction has locked; an older statement never replaces a newer
# one.
_PUT_REFUNDS = """
insert into refunds as old (tenant_id, order_id, refund_id, venue_id, currency, amount_minor, fee_minor,
                            lines, version, revised_at, revision_id)
select $1, order_id, refund_id, venue_id, currency, amount_minor, fee_minor, lines::jsonb,
       version, revised_at, revision_id
  from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[], $8::text[],
              $9::bigint[], $10::timestamptz[], $11::uuid[])
       as new (order_id, refund_id, venue_id, currency, amount_minor, fee_minor, lines,
               version, revised_at, revision_id)
on conflict (tenant_id, order_id, refund_id) do update
   set venue_id = excluded.venue_id, currency = excluded.currency, amount_minor = excluded.amount_minor,
       fee_minor = excluded.fee_minor, lines = excluded.lines, version = excluded.version,
       revised_at = excluded.revised_at, revision_id = excluded.revision_id
 where (old.version, old.revised_at, old.revision_id)
     < (excluded.version, excluded.revised_at, excluded.revision_id)
"""


class OrderStore:
    """Orders of one tenant inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def insert_new(self, orders: Collection[Order]) -> frozenset[UUID]:
        """Make the orders that do not exist, without their refunds; returns their ids."""
        rows = await self._driver.fetch(_INSERT_NEW, self._tenant_id, *columns(map(_order_row, orders), 14))
        return frozenset(row["order_id"] for row in rows)

    async def lock(self, order_ids: Collection[UUID]) -> list[Order]:
        """Existing orders with their refunds, locked until the transaction ends."""
        orders = await self._driver.fetch(_LOCK, self._tenant_id, list(order_ids))
        refunds: dict[UUID, dict[UUID, Refund]] = {}
        for row in await self._driver.fetch(_REFUNDS, self._tenant_id, list(order_ids)):
            refunds.setdefault(row["order_id"], {})[row["refund_id"]] = _refund_of(row)
        return [
            Order(row["order_id"], _sale_of(row), row["cancelled_at"], refunds.get(row["order_id"], {}))
            for row in orders
        ]

    async def update(self, orders: Collection[Order]) -> None:
        """Restate locked orders, without their refunds."""
        await self._driver.execute(_UPDATE, self._tenant_id, *columns(map(_order_row, orders), 14))

    async def put_refunds(self, orders: Iterable[Order]) -> None:
        """Keep every refund of orders that were made or locked by this transaction."""
        rows = [_refund_row(order.order_id, refund) for order in orders for refund in order.refunds.values()]
        if rows:
            await self._driver.execute(_PUT_REFUNDS, self._tenant_id, *columns(rows, 10))


def _order_row(order: Order) -> tuple[Any, ...]:
    sale = order.sale
    if sale is None:
        return (order.order_id, *(None,) * 12, order.cancelled_at)
    return (
        order.order_id,
        sale.venue_id,
        sale.event_id,
        sale.customer_id,
        sale.session_id,
        sale.channel,
        sale.currency,
        sale.gross_minor,
        sale.fee_minor,
        _json(
            [
                (line.quantity, line.unit_price_minor, line.ticket_type_id, line.event_id)
                for line in sale.lines
            ]
        ),
        *sale.revision,
        order.cancelled_at,
    )


def _sale_of(row: Any) -> Sale | None:
    if row["version"] < 0:
        return None
    return Sale(
        revision=Revision(row["version"], row["revised_at"], row["revision_id"]),
        venue_id=row["venue_id"],
        channel=row["channel"],
        currency=row["currency"],
        gross_minor=row["gross_minor"],
        fee_minor=row["fee_minor"],
        lines=tuple(
            SoldLine(quantity, price, _id(ticket_type), _id(event))
            for quantity, price, ticket_type, event in json.loads(row["lines"])
        ),
        event_id=row["event_id"],
        customer_id=row["customer_id"],
        session_id=row["session_id"],
    )


def _refund_row(order_id: UUID, refund: Refund) -> tuple[Any, ...]:
    return (
        order_id,
        refund.refund_id,
        refund.venue_id,
        refund.currency,
        refund.amount_minor,
        refund.fee_minor,
        _json(refund.lines),
        *refund.revision,
    )


def _refund_of(row: Any) -> Refund:
    return Refund(
        refund_id=row["refund_id"],
        revision=Revision(row["version"], row["revised_at"], row["revision_id"]),
        venue_id=row["venue_id"],
        currency=row["currency"],
        amount_minor=row["amount_minor"],
        fee_minor=row["fee_minor"],
        lines=tuple(
            ReturnedLine(quantity, _id(ticket_type), _id(event))
            for quantity, ticket_type, event in json.loads(row["lines"])
        ),
    )


def _json(rows: Sequence[Sequence[Any]]) -> str:
    return json.dumps(rows, default=str, separators=(",", ":"))


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)
