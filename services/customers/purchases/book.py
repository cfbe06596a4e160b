"""What an order means for its customer: a purchase, its money in each currency, and what was taken back."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.orders.books import BookLine, books_of
from libs.common.orders.facts import Order


class PurchaseKey(NamedTuple):
    """An order and a currency in which it moved money."""

    order_id: UUID
    currency: str


@dataclass(frozen=True, slots=True)
class Purchase:
    """One order of a known customer in one currency; money in minor units.

    `order_count` is 1 in the sale's currency while something of the order stands, otherwise 0.
    """

    key: PurchaseKey
    venue_id: UUID
    customer_id: UUID
    event_id: UUID | None
    sold_at: datetime
    channel: str
    session_id: str | None
    order_count: int
    ticket_count: int
    refunded_ticket_count: int
    gross_minor: int
    refund_minor: int
    fee_minor: int
    newest_fact_at: datetime


def purchases_of(order: Order) -> list[Purchase]:
    """The purchases that an order is; none while no sale stands, or where nobody knows whose it is.

    An order counts while not all of its money went back, or not all of its tickets if it cost nothing.
    """
    sale = order.standing_sale
    if sale is None or sale.customer_id is None:
        return []
    by_currency: dict[str, list[BookLine]] = defaultdict(list)
    for line in books_of(order):
        by_currency[line.currency].append(line)
    return [
        Purchase(
            key=PurchaseKey(order.order_id, currency),
            venue_id=sale.venue_id,
            customer_id=sale.customer_id,
            event_id=sale.event_of(sale.lines[0]),
            sold_at=sale.sold_at,
            channel=sale.channel,
            session_id=sale.session_id,
            order_count=int(currency == sale.currency and _stands(lines)),
            ticket_count=sum(line.ticket_count for line in lines),
            refunded_ticket_count=sum(line.refunded_ticket_count for line in lines),
            gross_minor=sum(line.gross_minor for line in lines),
            refund_minor=sum(line.refund_minor for line in lines),
            fee_minor=sum(line.fee_minor - line.refunded_fee_minor for line in lines),
            newest_fact_at=order.newest_fact_at,
        )
        for currency, lines in by_currency.items()
    ]


def _stands(lines: Sequence[BookLine]) -> bool:
    gross = sum(line.gross_minor for line in lines)
    if gross:
        return sum(line.refund_minor for line in lines) < gross
    return sum(line.refunded_ticket_count for line in lines) < sum(line.ticket_count for line in lines)
