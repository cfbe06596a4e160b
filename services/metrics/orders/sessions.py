"""SQL of the sessions that orders came from: one row an order that counts.

Other capabilities may read `order_sessions` in their statements: which sessions ordered at a venue within a
time (tenant_id, venue_id, sold_at), and what a session ordered (tenant_id, session_id). It is kept with the
books, in the same transaction.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from libs.common.orders.facts import Order, Sale
from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection

# Grain: one order that this transaction has made or locked.
_PUT_IN: Final = """
insert into order_sessions (tenant_id, order_id, venue_id, session_id, sold_at, event_ids)
select $1, order_id, venue_id, session_id, sold_at, event_ids::uuid[]
  from unnest($2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::text[])
       as new (order_id, venue_id, session_id, sold_at, event_ids)
on conflict (tenant_id, order_id) do update
   set venue_id = excluded.venue_id, session_id = excluded.session_id, sold_at = excluded.sold_at,
       event_ids = excluded.event_ids
"""

# Grain: one order that this transaction has locked. Index: order_sessions_pkey.
_TAKE_OUT: Final = """
delete from order_sessions
 where tenant_id = $1 and order_id = any($2::uuid[])
"""


async def keep_sessions(
    conn: Connection, tenant_id: UUID, orders: Sequence[Order], *, known: frozenset[UUID]
) -> None:
    """Make the table say of these orders what they say.

    Args:
        conn: The transaction that made or locked the orders.
        tenant_id: The tenant.
        orders: Every order that changed.
        known: Ids of those that existed before.
    """
    standing = [
        (order.order_id, sale) for order in orders if (sale := order.standing_sale) and sale.session_id
    ]
    gone = known.intersection(order.order_id for order in orders).difference(
        order_id for order_id, _ in standing
    )
    if gone:
        await conn.execute(_TAKE_OUT, tenant_id, list(gone))
    if standing:
        rows = [_row(order_id, sale) for order_id, sale in standing]
        await conn.execute(_PUT_IN, tenant_id, *columns(rows, 5))


def _row(order_id: UUID, sale: Sale) -> tuple[object, ...]:
    shows = ",".join(sorted(map(str, sale.event_ids)))
    return order_id, sale.venue_id, sale.session_id, sale.sold_at, f"{{{shows}}}"
