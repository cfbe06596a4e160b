"""What a change of the books adds to the sums kept over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from libs.common.orders.books import BookLine
from services.metrics.rollup_buckets import BUCKET_MINUTES, bucket_start

NO_ID: Final = UUID(int=0)
"""Stands for an absent event or ticket type in the keys of sums, where null would not be unique."""


class SalesKey(NamedTuple):
    """Grain of the sales rollup."""

    venue_id: UUID
    bucket_minutes: int
    bucket_start: datetime
    event_id: UUID
    ticket_type_id: UUID
    channel: str
    currency: str


class TicketKey(NamedTuple):
    """Grain of the ticket counts."""

    event_id: UUID
    ticket_type_id: UUID
    venue_id: UUID


@dataclass(slots=True)
class SalesDelta:
    """Change of one rollup row; money in minor units."""

    newest_fact_at: datetime
    order_count: int = 0
    event_order_count: int = 0
    line_order_count: int = 0
    ticket_count: int = 0
    gross_minor: int = 0
    fee_minor: int = 0
    refunded_ticket_count: int = 0
    refund_minor: int = 0
    refunded_fee_minor: int = 0

    def add(self, line: BookLine, sign: int) -> None:
        self.order_count += sign * line.order_count
        self.event_order_count += sign * line.event_order_count
        self.line_order_count += sign * line.line_order_count
        self.ticket_count += sign * line.ticket_count
        self.gross_minor += sign * line.gross_minor
        self.fee_minor += sign * line.fee_minor
        self.refunded_ticket_count += sign * line.refunded_ticket_count
        self.refund_minor += sign * line.refund_minor
        self.refunded_fee_minor += sign * line.refunded_fee_minor


@dataclass(slots=True)
class TicketDelta:
    """Change of one row of the ticket counts."""

    newest_fact_at: datetime
    sold_count: int = 0
    refunded_count: int = 0

    def add(self, line: BookLine, sign: int) -> None:
        self.sold_count += sign * line.ticket_count
        self.refunded_count += sign * line.refunded_ticket_count


class Deltas:
    """Collects what replacing book lines by others changes in the sums.

    `newest_fact_at` is the latest event behind any of the changes to a key's row.
    """

    def __init__(self) -> None:
        self.sales: dict[SalesKey, SalesDelta] = {}
        self.tickets: dict[TicketKey, TicketDelta] = {}

    def replace(
        self, before: Sequence[BookLine], after: Sequence[BookLine], *, newest_fact_at: datetime
    ) -> None:
        """Take the old lines of an order out of the sums and put its new ones in.

        The lines of an order have one time of sale: all before, and all after, lie in the same buckets.
        """
        for lines, sign in ((before, -1), (after, 1)):
            if not lines:
                continue
            starts = [(minutes, bucket_start(lines[0].sold_at, minutes)) for minutes in BUCKET_MINUTES]
            for line in lines:
                for bucket in starts:
                    self._sales_of(line, bucket, newest_fact_at).add(line, sign)
                self._tickets_of(line, newest_fact_at).add(line, sign)

    def _sales_of(self, line: BookLine, bucket: tuple[int, datetime], newest_fact_at: datetime) -> SalesDelta:
        key = SalesKey(
            line.venue_id,
            *bucket,
            line.event_id or NO_ID,
            line.ticket_type_id or NO_ID,
            line.channel,
            line.currency,
        )
        delta = self.sales.get(key)
        if delta is None:
            delta = self.sales[key] = SalesDelta(newest_fact_at)
        delta.newest_fact_at = max(delta.newest_fact_at, newest_fact_at)
        return delta

    def _tickets_of(self, line: BookLine, newest_fact_at: datetime) -> TicketDelta:
        key = TicketKey(line.event_id or NO_ID, line.ticket_type_id or NO_ID, line.venue_id)
        delta = self.tickets.get(key)
        if delta is None:
            delta = self.tickets[key] = TicketDelta(newest_fact_at)
        delta.newest_fact_at = max(delta.newest_fact_at, newest_fact_at)
        return delta
