"""What is asked of sales, and the figures that answer it."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Dimension(StrEnum):
    """What sales can be told apart by, beside time and currency."""

    VENUE = "venue"
    EVENT = "event"
    CHANNEL = "channel"
    TICKET_TYPE = "ticket_type"


class OrderCounting(StrEnum):
    """Which count of a line adds up to distinct orders."""

    WHOLE = "whole"
    BY_EVENT = "by_event"
    BY_TICKET_TYPE = "by_ticket_type"
    DISTINCT = "distinct"


@dataclass(frozen=True, slots=True)
class SalesFilter:
    """Sales that have one of the values of each field; an empty field filters nothing."""

    venue_ids: tuple[UUID, ...] = ()
    event_ids: tuple[UUID, ...] = ()
    channels: tuple[str, ...] = ()
    ticket_type_ids: tuple[UUID, ...] = ()
    currencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SalesRow:
    """Figures of one bucket, currency and combination of the dimensions asked for.

    Attributes:
        place: Number of the bucket, from 0.
        venue_id: The venue of the sale; None when not asked for.
        event_id: The show; None when not asked for, or when the sale names none.
        channel: The channel; "" when not asked for.
        ticket_type_id: The ticket type; None when not asked for, or when the sale names none.
        currency: ISO 4217.
        order_count: Distinct orders with a line in the row. Tickets of several shows that have no type are
            told apart by show.
        ticket_count: Tickets sold, returned ones included.
        refunded_ticket_count: Those of them that were returned.
        gross_minor: Money of the tickets, refunds not taken off, in minor units.
        refund_minor: Money that went back.
        fee_minor: Fees of the seller, refunded fees taken off.
        newest_fact_at: Time of the newest event behind the row.
    """

    place: int
    venue_id: UUID | None
    event_id: UUID | None
    channel: str
    ticket_type_id: UUID | None
    currency: str
    order_count: int
    ticket_count: int
    refunded_ticket_count: int
    gross_minor: int
    refund_minor: int
    fee_minor: int
    newest_fact_at: datetime

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.refund_minor - self.fee_minor

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left: every order was voided. Such a row only tells `newest_fact_at`."""
        return not (
            self.order_count or self.ticket_count or self.gross_minor or self.refund_minor or self.fee_minor
        )


def counting(where: SalesFilter, by: AbstractSet[Dimension]) -> OrderCounting:
    """How orders are counted so that each row counts an order once, however many of its lines it has."""
    if Dimension.TICKET_TYPE in by:
        return OrderCounting.BY_TICKET_TYPE
    if where.ticket_type_ids:
        several = len(set(where.ticket_type_ids)) > 1
        return OrderCounting.DISTINCT if several else OrderCounting.BY_TICKET_TYPE
    if Dimension.EVENT in by:
        return OrderCounting.BY_EVENT
    if where.event_ids:
        several = len(set(where.event_ids)) > 1
        return OrderCounting.DISTINCT if several else OrderCounting.BY_EVENT
    return OrderCounting.WHOLE
