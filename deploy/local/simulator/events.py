"""Facts as platform events, in the order in which they happened."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from tickettoken.events.v1.envelope_pb2 import Event

from deploy.local.simulator.envelopes import envelope
from deploy.local.simulator.facts import (
    Line,
    Listing,
    Order,
    Refund,
    Resale,
    Season,
    Transfer,
    Visit,
)
from deploy.local.simulator.ticket_events import (
    ticket_listed,
    ticket_resold,
    ticket_scanned,
    ticket_transferred,
)
from deploy.local.simulator.world import Customer, Ids, Show, Venue


class Pending(NamedTuple):
    """An event that is built when it is sent: a full season would not fit in memory as messages."""

    at: datetime
    build: Callable[[], Event]


def timeline(season: Season) -> list[Pending]:
    """Every event of a season, by time of occurrence."""
    pending = list(_pending(season))
    pending.sort(key=lambda one: one.at)
    return pending


def _pending(season: Season) -> Iterator[Pending]:
    ids = season.ids
    opened = datetime.combine(season.anchor, datetime.min.time(), UTC) - timedelta(days=800)
    yield from (Pending(opened, partial(venue_updated, ids, venue, opened)) for venue in season.venues)
    yield from (Pending(opened, partial(customer_registered, ids, one, opened)) for one in season.customers)
    for show in season.shows:
        yield Pending(show.on_sale_at, partial(event_created, ids, show))
        for index in range(len(show.ticket_types)):
            yield Pending(show.on_sale_at, partial(ticket_type_updated, ids, show, index))
    for visit in season.visits:
        yield from _steps(ids, visit)
    yield from (Pending(order.sold_at, partial(order_completed, ids, order)) for order in season.orders)
    yield from (Pending(one.refunded_at, partial(order_refunded, ids, one)) for one in season.refunds)
    yield from (Pending(scan.scanned_at, partial(ticket_scanned, ids, scan)) for scan in season.scans)
    yield from (_second_hand(ids, fact) for fact in season.second_hands)


def _steps(ids: Ids, visit: Visit) -> Iterator[Pending]:
    for step in range(1, visit.depth + 1):
        at = visit.started_at + timedelta(seconds=20 * (step - 1))
        yield Pending(at, partial(visit_step, ids, visit, step, at))


def venue_updated(ids: Ids, venue: Venue, at: datetime) -> Event:
    event = envelope(ids, "venue.updated", venue.id, venue, at)
    event.venue_updated.name = venue.name
    event.venue_updated.time_zone = venue.time_zone
    event.venue_updated.currency = venue.currency
    event.venue_updated.capacity = venue.capacity
    event.venue_updated.city = venue.city
    event.venue_updated.country = venue.country
    return event


def customer_registered(ids: Ids, customer: Customer, at: datetime) -> Event:
    event = envelope(ids, "customer.registered", customer.id, customer.venue, at)
    event.customer_registered.customer_id = str(customer.id)
    profile = event.customer_registered.profile
    profile.name = customer.name
    profile.email = f"guest-{customer.id.hex[:12]}@example.com"
    profile.city = customer.venue.city
    profile.country = customer.venue.country
    profile.channel = customer.channel
    profile.marketing_consent = customer.id.int % 3 != 0
    profile.registered_at.FromDatetime(at)
    return event


def event_created(ids: Ids, show: Show) -> Event:
    event = envelope(ids, "event.created", show.id, show.venue, show.on_sale_at)
    event.event_created.event_id = str(show.id)
    announced = event.event_created.show
    announced.name = show.name
    announced.genre = show.genre
    announced.performer = show.name
    announced.capacity = sum(kind.capacity for kind in show.ticket_types)
    announced.status = "on_sale"
    announced.on_sale_at.FromDatetime(show.on_sale_at)
    announced.doors_at.FromDatetime(show.doors_at)
    announced.starts_at.FromDatetime(show.starts_at)
    announced.ends_at.FromDatetime(show.starts_at + timedelta(hours=3))
    return event


def ticket_type_updated(ids: Ids, show: Show, index: int) -> Event:
    kind = show.ticket_types[index]
    event = envelope(ids, "ticket_type.updated", kind.id, show.venue, show.on_sale_at)
    payload = event.ticket_type_updated
    payload.ticket_type_id = str(kind.id)
    payload.event_id = str(show.id)
    payload.name = kind.name
    payload.price.amount_minor = kind.price_minor
    payload.price.currency = show.venue.currency
    payload.capacity = kind.capacity
    payload.held = kind.held
    return event


def order_completed(ids: Ids, order: Order) -> Event:
    event = envelope(ids, "order.completed", order.id, order.show.venue, order.sold_at)
    payload = event.order_completed
    payload.order_id = str(order.id)
    payload.event_id = str(order.show.id)
    payload.customer_id = str(order.customer.id)
    payload.channel = order.channel
    payload.currency = order.show.venue.currency
    payload.session_id = order.session_id
    for line in order.lines:
        payload.lines.add(
            ticket_type_id=str(line.ticket_type.id),
            quantity=line.quantity,
            unit_price_minor=line.ticket_type.price_minor,
        )
    payload.gross.amount_minor = order.gross_minor
    payload.gross.currency = payload.currency
    payload.fees.amount_minor = order.fees_minor
    payload.fees.currency = payload.currency
    return event


def order_refunded(ids: Ids, refund: Refund) -> Event:
    venue = refund.order.show.venue
    event = envelope(ids, "order.refunded", refund.order.id, venue, refund.refunded_at)
    payload = event.order_refunded
    payload.order_id = str(refund.order.id)
    payload.refund_id = str(refund.id)
    payload.amount.amount_minor = refund.amount_minor
    payload.amount.currency = venue.currency
    payload.fees.amount_minor = refund.fees_minor
    payload.fees.currency = venue.currency
    payload.reason = "customer_request"
    payload.refunded_at.FromDatetime(refund.refunded_at)
    for line in refund.lines:
        payload.lines.add(ticket_type_id=str(line.ticket_type.id), quantity=line.quantity)
    return event


def _second_hand(ids: Ids, fact: Transfer | Listing | Resale) -> Pending:
    if isinstance(fact, Transfer):
        return Pending(fact.transferred_at, partial(ticket_transferred, ids, fact))
    if isinstance(fact, Listing):
        return Pending(fact.listed_at, partial(ticket_listed, ids, fact))
    return Pending(fact.resold_at, partial(ticket_resold, ids, fact))


def visit_step(ids: Ids, visit: Visit, step: int, at: datetime) -> Event:
    """The event of one step of a session: home page, show page, cart, checkout."""
    kind = ("page.viewed", "page.viewed", "cart.updated", "checkout.started")[step - 1]
    # Two pages of one session differ by their step; the session itself is the entity.
    event = envelope(ids, kind, ids.make("session", visit.session_id, step), visit.show.venue, at)
    event.entity_id = visit.session_id
    if kind == "page.viewed":
        event.page_viewed.session_id = visit.session_id
        event.page_viewed.customer_id = str(visit.customer.id)
        event.page_viewed.page = "/" if step == 1 else f"/shows/{visit.show.id}"
        event.page_viewed.device_class = visit.customer.device
        event.page_viewed.event_id = "" if step == 1 else str(visit.show.id)
    elif kind == "cart.updated":
        event.cart_updated.session_id = visit.session_id
        event.cart_updated.customer_id = str(visit.customer.id)
        seats = Line(visit.show.ticket_types[1], visit.customer.party_size)
        event.cart_updated.lines.add(
            ticket_type_id=str(seats.ticket_type.id), event_id=str(visit.show.id), quantity=seats.quantity
        )
        event.cart_updated.value.amount_minor = seats.amount_minor
        event.cart_updated.value.currency = visit.show.venue.currency
    else:
        event.checkout_started.session_id = visit.session_id
        event.checkout_started.customer_id = str(visit.customer.id)
        event.checkout_started.event_id = str(visit.show.id)
    return event


def built(pending: Sequence[Pending]) -> list[Event]:
    return [one.build() for one in pending]
