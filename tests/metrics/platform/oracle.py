"""What a log of events must add up to, recomputed in the most naive way."""

from collections import Counter, defaultdict
from datetime import UTC


def standing(log):
    """The last statement of every order that was not cancelled, and the last of each of its refunds."""
    sales, refunds, cancelled = {}, {}, set()
    for event in sorted(log, key=_revision):
        if event.type == "order.completed":
            sales[event.order_completed.order_id] = event
        elif event.type == "order.refunded":
            refund = event.order_refunded
            refunds[refund.order_id, refund.refund_id] = event
        elif event.type == "order.cancelled":
            cancelled.add(event.order_cancelled.order_id)
    orders = []
    for order_id, sale in sales.items():
        if order_id not in cancelled:
            orders.append((sale, [one for (of, _), one in refunds.items() if of == order_id]))
    return orders


def revenue(log, start, end, venues):
    """Per currency: orders, tickets, gross, refunds, fees."""
    figures = defaultdict(lambda: [0, 0, 0, 0, 0])
    for sale, refunds in standing(log):
        if not start <= _moment(sale) < end or sale.venue_id not in {str(venue) for venue in venues}:
            continue
        payload = sale.order_completed
        listed = sum(line.quantity * line.unit_price_minor for line in payload.lines)
        own = figures[payload.currency]
        own[0] += 1
        own[1] += sum(line.quantity for line in payload.lines)
        own[2] += payload.gross.amount_minor if payload.HasField("gross") else listed
        own[4] += payload.fees.amount_minor
        for refund in refunds:
            back = refund.order_refunded
            figures[back.amount.currency][3] += back.amount.amount_minor
            figures[back.amount.currency][4] -= back.fees.amount_minor
    return {currency: tuple(numbers) for currency, numbers in figures.items()}


def sold(log):
    """Tickets sold and not returned by (show, ticket type), "" for none."""
    counts = Counter()
    for sale, refunds in standing(log):
        payload = sale.order_completed
        for line in payload.lines:
            counts[line.event_id or payload.event_id, line.ticket_type_id] += line.quantity
        for refund in refunds:
            for line in refund.order_refunded.lines:
                show = line.event_id or payload.event_id
                counts[show, line.ticket_type_id] -= line.quantity
    return counts


def _revision(event):
    return event.version, _moment(event), event.event_id


def _moment(event):
    return event.occurred_at.ToDatetime(tzinfo=UTC)
