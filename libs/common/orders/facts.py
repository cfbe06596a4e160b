"""What platform events say about an order, merged so that the order of their arrival does not matter."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.bus.revision import Revision


@dataclass(frozen=True, slots=True)
class SoldLine:
    """One line of an order; `unit_price_minor` is the price of one ticket before order-wide discounts."""

    quantity: int
    unit_price_minor: int
    ticket_type_id: UUID | None = None
    event_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """A completed order as one order.completed event states it; it has at least one line."""

    revision: Revision
    venue_id: UUID
    channel: str
    currency: str
    gross_minor: int
    fee_minor: int
    lines: tuple[SoldLine, ...]
    event_id: UUID | None = None
    customer_id: UUID | None = None
    session_id: str | None = None

    @property
    def sold_at(self) -> datetime:
        return self.revision.occurred_at

    def event_of(self, line: SoldLine) -> UUID | None:
        """The show a line admits to."""
        return line.event_id or self.event_id

    @property
    def event_ids(self) -> frozenset[UUID]:
        """The shows that the order admits to."""
        return frozenset(event_id for line in self.lines if (event_id := self.event_of(line)) is not None)


class ReturnedLine(NamedTuple):
    """Tickets of one type that a refund takes back; without `event_id`, of any show of the order."""

    quantity: int
    ticket_type_id: UUID | None = None
    event_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """Money (and tickets) given back, as one order.refunded event states it."""

    refund_id: UUID
    revision: Revision
    venue_id: UUID
    currency: str
    amount_minor: int
    fee_minor: int = 0
    lines: tuple[ReturnedLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """Everything known about one order. Merging is commutative, associative and idempotent.

    A cancellation voids the order for good: its version says nothing about those of the sale.
    """

    order_id: UUID
    sale: Sale | None = None
    cancelled_at: datetime | None = None
    refunds: Mapping[UUID, Refund] = field(default_factory=dict)

    @property
    def standing_sale(self) -> Sale | None:
        """The sale that counts: none before order.completed came, nor after order.cancelled."""
        return self.sale if self.cancelled_at is None else None

    @property
    def newest_fact_at(self) -> datetime:
        """Time of the latest event behind the order."""
        moments = [refund.revision.occurred_at for refund in self.refunds.values()]
        if self.sale is not None:
            moments.append(self.sale.revision.occurred_at)
        if self.cancelled_at is not None:
            moments.append(self.cancelled_at)
        return max(moments)

    def with_sale(self, sale: Sale) -> "Order":
        if self.sale is not None and self.sale.revision >= sale.revision:
            return self
        return replace(self, sale=sale)

    def with_cancellation(self, cancelled_at: datetime) -> "Order":
        if self.cancelled_at is not None and self.cancelled_at >= cancelled_at:
            return self
        return replace(self, cancelled_at=cancelled_at)

    def with_refund(self, refund: Refund) -> "Order":
        known = self.refunds.get(refund.refund_id)
        if known is not None and known.revision >= refund.revision:
            return self
        return replace(self, refunds={**self.refunds, refund.refund_id: refund})

    def merged(self, other: "Order") -> "Order":
        """What both say together."""
        order = self
        if other.sale is not None:
            order = order.with_sale(other.sale)
        if other.cancelled_at is not None:
            order = order.with_cancellation(other.cancelled_at)
        for refund in other.refunds.values():
            order = order.with_refund(refund)
        return order
