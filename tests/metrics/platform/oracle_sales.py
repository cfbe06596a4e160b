"""Sales told apart and cut into buckets, recomputed line by line in the most naive way."""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from uuid import UUID

from tests.metrics.platform import oracle


@dataclass(frozen=True)
class Line:
    order: str
    venue: UUID
    show: UUID | None
    ticket_type: UUID | None
    channel: str
    currency: str
    sold_at: datetime
    tickets: int
    returned: int
    gross: int
    refund: int
    fee: int


def lines(log):
    """Lines of the orders that stand; money must divide evenly by list value, and a refund name one line."""
    found = []
    for sale, refunds in oracle.standing(log):
        payload = sale.order_completed
        listed = sum(line.quantity * line.unit_price_minor for line in payload.lines)
        gross = payload.gross.amount_minor if payload.HasField("gross") else listed
        common = {
            "order": payload.order_id,
            "venue": UUID(sale.venue_id),
            "channel": payload.channel,
            "sold_at": sale.occurred_at.ToDatetime(tzinfo=UTC),
        }
        backs = [refund.order_refunded for refund in refunds]
        for line in payload.lines:
            share = Fraction(line.quantity * line.unit_price_minor, listed)
            returned, money, fee = 0, Fraction(0), payload.fees.amount_minor * share
            for back in backs:
                named = [part for part in back.lines if part.ticket_type_id == line.ticket_type_id]
                returned += sum(part.quantity for part in named)
                own = (1 if named else 0) if back.lines else share
                if back.amount.currency == payload.currency:
                    money += back.amount.amount_minor * own
                    fee -= back.fees.amount_minor * own
            found.append(
                Line(
                    show=_id(line.event_id or payload.event_id),
                    ticket_type=_id(line.ticket_type_id),
                    currency=payload.currency,
                    tickets=line.quantity,
                    returned=returned,
                    gross=gross * share,
                    refund=money,
                    fee=fee,
                    **common,
                )
            )
        for back in backs:
            if back.amount.currency != payload.currency:
                money, fee = back.amount.amount_minor, -back.fees.amount_minor
                show = _id(payload.event_id)
                found.append(
                    Line(
                        show=show,
                        ticket_type=None,
                        currency=back.amount.currency,
                        tickets=0,
                        returned=0,
                        gross=0,
                        refund=money,
                        fee=fee,
                        **common,
                    )
                )
    return found


def cut(found, edges, by=()):
    """Orders, tickets, returned, gross, refund, fee by bucket, venue, show, channel, type and currency."""
    figures, orders = defaultdict(lambda: [0] * 5), defaultdict(set)
    for line in found:
        place = bisect_right(edges, line.sold_at) - 1
        if not 0 <= place < len(edges) - 1:
            continue
        key = (
            place,
            line.venue if "venue" in by else None,
            line.show if "event" in by else None,
            line.channel if "channel" in by else "",
            line.ticket_type if "ticket_type" in by else None,
            line.currency,
        )
        if line.tickets:
            orders[key].add((line.order, line.show if "ticket_type" in by else None))
        numbers = (line.tickets, line.returned, line.gross, line.refund, line.fee)
        figures[key] = [old + new for old, new in zip(figures[key], numbers, strict=True)]
    return {key: (len(orders[key]), *numbers) for key, numbers in figures.items()}


def _id(text):
    return UUID(text) if text else None
