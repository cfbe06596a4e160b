"""The books of one order: its money and tickets by line, computed from its facts alone."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.orders.allocation import allocate
from libs.common.orders.facts import Order, Refund, ReturnedLine, Sale, SoldLine


@dataclass(frozen=True, slots=True)
class BookLine:
    """One line of an order as it stands in the books, at the time of the sale.

    Money is in minor units. `order_count` is 1 on the order's first line and 0 on the others, so that sums
    over any set of whole orders count each once. `event_order_count` does the same for the order's lines of
    one show, `line_order_count` for those of one ticket type of a show. `newest_fact_at` is the time of the
    latest event behind the order.
    """

    line_number: int
    venue_id: UUID
    sold_at: datetime
    channel: str
    currency: str
    event_id: UUID | None
    ticket_type_id: UUID | None
    order_count: int
    event_order_count: int
    line_order_count: int
    ticket_count: int
    gross_minor: int
    fee_minor: int
    newest_fact_at: datetime
    refunded_ticket_count: int = 0
    refund_minor: int = 0
    refunded_fee_minor: int = 0


class Replaced(NamedTuple):
    """Lines of one order before and after a change, and the time of the latest event behind it."""

    before: Sequence[BookLine]
    after: Sequence[BookLine]
    newest_fact_at: datetime


@dataclass(slots=True)
class _Returns:
    """What refunds take from one line."""

    tickets: int = 0
    money: int = 0
    fees: int = 0


@dataclass(slots=True)
class _ForeignReturns:
    """What refunds in a currency other than the sale's add up to."""

    money: int = 0
    fees: int = 0


@dataclass(slots=True)
class _Settlement:
    lines: list[_Returns]
    foreign: dict[str, _ForeignReturns] = field(default_factory=lambda: defaultdict(_ForeignReturns))


def books_of(order: Order) -> tuple[BookLine, ...]:
    """The order's lines with gross, fees and refunds allocated to them; empty while no sale stands.

    The order's own amounts are authoritative: they are divided over the lines by list value, so order-wide
    discounts reach every line. A refund goes to the lines whose tickets it takes back, otherwise to all lines
    by their gross. It counts at the time of the sale. One in another currency stands on a line of its own:
    amounts of two currencies are never added.
    """
    sale = order.standing_sale
    if sale is None:
        return ()
    sold = sale.lines
    weights = _list_values(sold)
    gross = allocate(sale.gross_minor, weights)
    fees = allocate(sale.fee_minor, weights)
    refunds = sorted(order.refunds.values(), key=lambda refund: refund.refund_id)
    settled = _settle(sale, gross, refunds)
    newest = order.newest_fact_at
    shows = [sale.event_of(line) for line in sold]
    of_show = _firsts(shows)
    of_type = _firsts([(show, line.ticket_type_id) for show, line in zip(shows, sold, strict=True)])
    booked = [
        BookLine(
            line_number=number,
            venue_id=sale.venue_id,
            sold_at=sale.sold_at,
            channel=sale.channel,
            currency=sale.currency,
            event_id=shows[number],
            ticket_type_id=line.ticket_type_id,
            order_count=1 if number == 0 else 0,
            event_order_count=of_show[number],
            line_order_count=of_type[number],
            ticket_count=line.quantity,
            gross_minor=gross[number],
            fee_minor=fees[number],
            newest_fact_at=newest,
            refunded_ticket_count=settled.lines[number].tickets,
            refund_minor=settled.lines[number].money,
            refunded_fee_minor=settled.lines[number].fees,
        )
        for number, line in enumerate(sold)
    ]
    booked.extend(_foreign_lines(sale, len(booked), settled, newest))
    return tuple(booked)


def _firsts(keys: Iterable[Hashable]) -> list[int]:
    """1 where a key stands for the first time, 0 where it stood before."""
    seen: set[Hashable] = set()
    firsts = []
    for key in keys:
        firsts.append(0 if key in seen else 1)
        seen.add(key)
    return firsts


def _list_values(lines: Sequence[SoldLine]) -> list[int]:
    """List value of every line, or its quantity where nothing on the order has a price."""
    values = [line.quantity * line.unit_price_minor for line in lines]
    return values if any(values) else [line.quantity for line in lines]


def _settle(sale: Sale, gross: Sequence[int], refunds: Sequence[Refund]) -> _Settlement:
    settled = _Settlement([_Returns() for _ in sale.lines])
    for refund in refunds:
        taken = _take_back(sale, settled.lines, refund.lines)
        if refund.currency != sale.currency:
            settled.foreign[refund.currency].money += refund.amount_minor
            settled.foreign[refund.currency].fees += refund.fee_minor
            continue
        weights = _returned_values(sale.lines, taken) if any(taken) else gross
        for returns, money, fees in zip(
            settled.lines,
            allocate(refund.amount_minor, weights),
            allocate(refund.fee_minor, weights),
            strict=True,
        ):
            returns.money += money
            returns.fees += fees
    return settled


def _take_back(sale: Sale, returns: Sequence[_Returns], returned: Sequence[ReturnedLine]) -> list[int]:
    """Tickets taken from every line: of the named type and show, in line order, never more than were sold."""
    taken = [0] * len(sale.lines)
    for back in returned:
        left = back.quantity
        for number, line in enumerate(sale.lines):
            if line.ticket_type_id != back.ticket_type_id:
                continue
            if back.event_id is not None and back.event_id != sale.event_of(line):
                continue
            part = min(left, line.quantity - returns[number].tickets)
            returns[number].tickets += part
            taken[number] += part
            left -= part
    return taken


def _returned_values(sold: Sequence[SoldLine], taken: Sequence[int]) -> list[int]:
    values = [quantity * line.unit_price_minor for line, quantity in zip(sold, taken, strict=True)]
    return values if any(values) else list(taken)


def _foreign_lines(sale: Sale, first_number: int, settled: _Settlement, newest: datetime) -> list[BookLine]:
    return [
        BookLine(
            line_number=first_number + offset,
            venue_id=sale.venue_id,
            sold_at=sale.sold_at,
            channel=sale.channel,
            currency=currency,
            event_id=sale.event_id,
            ticket_type_id=None,
            order_count=0,
            event_order_count=0,
            line_order_count=0,
            ticket_count=0,
            gross_minor=0,
            fee_minor=0,
            newest_fact_at=newest,
            refund_minor=returns.money,
            refunded_fee_minor=returns.fees,
        )
        for offset, (currency, returns) in enumerate(sorted(settled.foreign.items()))
    ]
