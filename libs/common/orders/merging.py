"""Use case: carry what events say about orders into the stored statements, whatever was known before."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from libs.common.orders.facts import Order
from libs.common.orders.store import OrderStore
from libs.common.postgres.database import Connection


class Merged(NamedTuple):
    """Orders that statements changed, as they are now, and as they were if they were known before.

    Every order in `changed` is locked until the transaction ends.
    """

    changed: list[Order]
    known: Mapping[UUID, Order]


async def merge_orders(conn: Connection, tenant_id: UUID, statements: Iterable[Order]) -> Merged:
    """Merge statements into the tables `orders` and `refunds`.

    The order of arrival does not matter: a refund that comes before its sale is kept and applied with it.
    Merging a statement again changes nothing.
    """
    orders = merged(statements)
    if not orders:
        return Merged([], {})
    store = OrderStore(conn, tenant_id)
    new = await store.insert_new(orders.values())
    existing = orders.keys() - new
    known = {order.order_id: order for order in (await store.lock(existing) if existing else [])}
    restated = {
        order_id: after
        for order_id, before in known.items()
        if (after := before.merged(orders[order_id])) != before
    }
    if restated:
        await store.update(restated.values())
    changed = [*(orders[order_id] for order_id in new), *restated.values()]
    await store.put_refunds(changed)
    return Merged(changed, known)


def merged(statements: Iterable[Order]) -> dict[UUID, Order]:
    """One order an id, saying all that the statements say."""
    orders: dict[UUID, Order] = {}
    for statement in statements:
        known = orders.get(statement.order_id)
        orders[statement.order_id] = statement if known is None else known.merged(statement)
    return orders
