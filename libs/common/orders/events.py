"""Platform events about orders, as facts: one function a type."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event
from tickettoken.events.v1.orders_pb2 import OrderCompleted

from libs.common.bus.revision import Revision, happened_at, optional_id, repeated_id
from libs.common.orders.facts import Order, Refund, ReturnedLine, Sale, SoldLine

COMPLETED: Final = "order.completed"
TYPES: Final = (COMPLETED, "order.refunded", "order.cancelled")


def order_of(event: Event) -> Order:
    """What one valid event of `TYPES` says about its order."""
    return _DECODERS[event.type](event)


def shows_of(event: Event) -> set[str]:
    """Ids of the shows that the lines of a completed order name; none of any other event."""
    if event.type != COMPLETED:
        return set()
    payload = event.order_completed
    named = {line.event_id or payload.event_id for line in payload.lines}
    named.discard("")
    return named


def _completed(event: Event) -> Order:
    payload = event.order_completed
    sale = Sale(
        revision=Revision.of(event),
        venue_id=repeated_id(event.venue_id),
        channel=payload.channel,
        currency=payload.currency,
        gross_minor=_gross_minor(payload),
        fee_minor=payload.fees.amount_minor,
        lines=tuple(
            SoldLine(
                line.quantity,
                line.unit_price_minor,
                optional_id(line.ticket_type_id),
                optional_id(line.event_id),
            )
            for line in payload.lines
        ),
        event_id=optional_id(payload.event_id),
        customer_id=UUID(payload.customer_id) if payload.customer_id else None,
        session_id=payload.session_id or None,
    )
    return Order(UUID(payload.order_id), sale=sale)


def _refunded(event: Event) -> Order:
    payload = event.order_refunded
    refund = Refund(
        refund_id=UUID(payload.refund_id),
        revision=Revision.of(event),
        venue_id=repeated_id(event.venue_id),
        currency=payload.amount.currency,
        amount_minor=payload.amount.amount_minor,
        fee_minor=payload.fees.amount_minor,
        lines=tuple(
            ReturnedLine(line.quantity, optional_id(line.ticket_type_id), optional_id(line.event_id))
            for line in payload.lines
        ),
    )
    return Order(UUID(payload.order_id), refunds={refund.refund_id: refund})


def _cancelled(event: Event) -> Order:
    return Order(UUID(event.order_cancelled.order_id), cancelled_at=happened_at(event))


def _gross_minor(payload: OrderCompleted) -> int:
    if payload.HasField("gross"):
        return payload.gross.amount_minor
    return sum(line.quantity * line.unit_price_minor for line in payload.lines)


_DECODERS: Final[Mapping[str, Callable[[Event], Order]]] = {
    COMPLETED: _completed,
    "order.refunded": _refunded,
    "order.cancelled": _cancelled,
}
