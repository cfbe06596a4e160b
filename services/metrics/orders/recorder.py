"""Use case: carry what events say about orders into the books, whatever was known before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.common.orders.books import BookLine, Replaced, books_of
from libs.common.orders.facts import Order
from libs.common.orders.merging import merge_orders
from libs.common.postgres.database import Connection
from services.metrics.orders.books_store import BooksStore
from services.metrics.orders.sessions import keep_sessions
from services.metrics.orders.sums import Deltas


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording changed.

    `first_sales` has the sold lines of each order whose sale entered the books for the first time; `replaced`
    what became of every changed order; `venue_ids` and `event_ids` are what the changed figures belong to.
    """

    first_sales: list[tuple[BookLine, ...]]
    replaced: list[Replaced]
    venue_ids: frozenset[UUID]
    event_ids: frozenset[UUID]


async def record_orders(conn: Connection, tenant_id: UUID, statements: Iterable[Order]) -> Recorded:
    """Merge statements into the orders, restate their books and carry the difference into the sums.

    The order of arrival does not matter, and recording a statement again changes nothing.
    """
    changed, known = await merge_orders(conn, tenant_id, statements)
    if not changed:
        return Recorded([], [], frozenset(), frozenset())
    await keep_sessions(conn, tenant_id, changed, known=frozenset(known))
    return await _restate(BooksStore(conn, tenant_id), changed, known)


async def _restate(books: BooksStore, changed: Sequence[Order], known: Mapping[UUID, Order]) -> Recorded:
    booked_before = [order.order_id for order in changed if order.order_id in known]
    taken_out = await books.take_out(booked_before) if booked_before else {}
    deltas = Deltas()
    entered: list[tuple[UUID, BookLine]] = []
    first_sales: list[tuple[BookLine, ...]] = []
    replaced: list[Replaced] = []
    for order in changed:
        after = books_of(order)
        out = taken_out.get(order.order_id, ())
        deltas.replace(out, after, newest_fact_at=order.newest_fact_at)
        replaced.append(Replaced(out, after, order.newest_fact_at))
        entered.extend((order.order_id, line) for line in after)
        before = known.get(order.order_id)
        if after and (before is None or before.sale is None):
            first_sales.append(tuple(line for line in after if line.ticket_count))
    await books.put_in(entered)
    await books.add(deltas)
    return Recorded(
        first_sales,
        replaced,
        venue_ids=frozenset(key.venue_id for key in deltas.sales),
        event_ids=frozenset(key.event_id for key in deltas.sales),
    )
