"""What the daily tables must hold, counted from a log of events in the most naive way."""

from collections import Counter, defaultdict
from datetime import UTC
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.metrics.platform import oracle

VISITS = {
    "page.viewed": "page_view_count",
    "cart.updated": "cart_count",
    "checkout.started": "checkout_count",
}


def venue_days(log, zones):
    """Figures that are not zero by (venue, local date, currency)."""
    days, sessions = defaultdict(Counter), set()
    for event, currency, figures in (*_sales(log), *_tickets(log), *_market(log), *_visits(log)):
        days[UUID(event.venue_id), _day(event, zones), currency].update(figures)
        if event.type in VISITS:
            sessions.add((UUID(event.venue_id), _day(event, zones), _payload(event).session_id))
    for venue, day, _ in sessions:
        days[venue, day, ""]["visitor_count"] += 1
    return _not_zero(days)


def show_days(log, zones):
    """Figures that need no division of an order's money, by (show, venue, local date, currency)."""
    days = defaultdict(Counter)
    for show, event, currency, figures in (*_sales_of_shows(log), *_others_of_shows(log)):
        if show:
            days[UUID(show), UUID(event.venue_id), _day(event, zones), currency].update(figures)
    return _not_zero(days)


def _sales(log):
    for sale, refunds in oracle.standing(log):
        paid = sale.order_completed
        listed = sum(line.quantity * line.unit_price_minor for line in paid.lines)
        tickets = sum(line.quantity for line in paid.lines)
        fees = paid.fees.amount_minor
        sold = {"order_count": 1, "ticket_count": tickets, "gross_minor": listed, "fee_minor": fees}
        yield sale, paid.currency, sold
        for back in (refund.order_refunded for refund in refunds):
            returned = sum(line.quantity for line in back.lines)
            money = {"refund_minor": back.amount.amount_minor, "fee_minor": -back.fees.amount_minor}
            yield sale, back.amount.currency, {"refunded_ticket_count": returned, **money}


def _sales_of_shows(log):
    for sale, _ in oracle.standing(log):
        paid = sale.order_completed
        for show in {line.event_id for line in paid.lines}:
            yield show, sale, paid.currency, {"order_count": 1}
        for line in paid.lines:
            yield line.event_id, sale, paid.currency, {"ticket_count": line.quantity}


def _tickets(log):
    inward = [event for event in log if event.ticket_scanned.result in ("admitted", "readmitted")]
    for event in _first(inward, "ticket.scanned", "ticket_id"):
        yield event, "", {"scanned_count": 1}
    for event in _first(log, "ticket.transferred", "ticket_id"):
        yield event, "", {"transferred_count": 1}


def _market(log):
    for event in _first(log, "ticket.listed", "listing_id"):
        yield event, event.ticket_listed.price.currency, {"new_listing_count": 1}
    for event in _once(log):
        if event.type == "ticket.resold":
            sold = event.ticket_resold
            money = {"resale_minor": sold.price.amount_minor, "royalty_minor": sold.royalty.amount_minor}
            yield event, sold.price.currency, {"resale_count": 1, **money}


def _visits(log):
    for event in _once(log):
        if event.type in VISITS:
            yield event, "", {VISITS[event.type]: 1}


def _others_of_shows(log):
    for event, currency, figures in (*_tickets(log), *_market(log)):
        yield _payload(event).event_id, event, currency, figures
    for event, currency, figures in _visits(log):
        if event.type == "cart.updated":
            for show in {line.event_id for line in event.cart_updated.lines}:
                yield show, event, currency, figures
        else:
            yield _payload(event).event_id, event, currency, figures


def _first(log, kind, of):
    """The earliest event about each thing."""
    events = sorted((one for one in _once(log) if one.type == kind), key=_moment, reverse=True)
    return {getattr(_payload(event), of): event for event in events}.values()


def _once(log):
    return {event.event_id: event for event in log}.values()


def _payload(event):
    return getattr(event, event.WhichOneof("payload"))


def _moment(event):
    return event.occurred_at.ToDatetime(tzinfo=UTC), event.event_id


def _day(event, zones):
    return _moment(event)[0].astimezone(ZoneInfo(zones[UUID(event.venue_id)])).date()


def _not_zero(days):
    kept = {key: {name: n for name, n in figures.items() if n} for key, figures in days.items()}
    return {key: figures for key, figures in kept.items() if figures}
