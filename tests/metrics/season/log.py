"""A season's facts as platform events, and the order in which a careless broker delivers them."""

from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from tests.metrics.season.facts import (
    Listing,
    Order,
    Refund,
    Resale,
    Scan,
    Season,
    Show,
    Step,
    Transfer,
    Type,
    Venue,
)

_Build = Callable[[Event], None]


class Log:
    """The events of a season by number; each is built when it is delivered, so that millions fit."""

    def __init__(self, season: Season) -> None:
        self._season = season
        self._entries = list(_entries(season))

    def __len__(self) -> int:
        return len(self._entries)

    def arrivals(
        self, seed: int, *, late: float = 0.03, again: float = 0.03, apart: int = 3_000
    ) -> list[int]:
        """Numbers of the events as they arrive: neighbours change places, some come last, some twice."""
        chance = Random(seed)
        places: list[tuple[float, int]] = []
        for number in range(len(self._entries)):
            place = number + chance.uniform(0, apart) + (len(self) if chance.random() < late else 0)
            places.append((place, number))
            if chance.random() < again:
                places.append((place + chance.uniform(0, len(self)), number))
        return [number for _, number in sorted(places)]

    def event(self, number: int) -> Event:
        """One event; the same one each time."""
        kind, venue_id, entity, at, version, build = self._entries[number]
        event = Event(
            event_id=str(UUID(int=self._season.tenant_id.int ^ (number + 1))),
            type=kind,
            tenant_id=str(self._season.tenant_id),
            venue_id=str(venue_id),
            entity_id=str(entity),
            version=version,
            producer="ticketing",
        )
        event.occurred_at.FromDatetime(at)
        build(event)
        return event


def _entries(season: Season) -> Iterator[tuple]:
    first = min(show.on_sale_at for show in season.shows.values())
    for venue in season.venues:
        yield "venue.updated", venue.id, venue.id, first, 1, partial(_venue, venue)
    for show in season.shows.values():
        yield "event.created", show.venue_id, show.id, show.on_sale_at, 1, partial(_show, show)
        for kind in show.types:
            at = show.on_sale_at
            yield "ticket_type.updated", show.venue_id, kind.id, at, 1, partial(_type, season, kind)
    facts = [
        *(entry for order in season.orders for entry in _order_entries(order)),
        *(
            ("order.refunded", one.order.venue_id, one.order.id, one.at, 0, partial(_refund, one))
            for one in season.refunds
        ),
        *(
            (_STEP[one.kind], one.venue_id, one.session, one.at, 0, partial(_step, one))
            for one in season.steps
        ),
        *(
            ("ticket.scanned", one.venue_id, one.ticket_id, one.at, 0, partial(_scan, one))
            for one in season.scans
        ),
        *(
            ("ticket.transferred", one.venue_id, one.ticket_id, one.at, 0, partial(_transfer, one))
            for one in season.transfers
        ),
        *(
            ("ticket.listed", one.venue_id, one.id, one.at, one.version, partial(_listing, one))
            for one in season.listings
        ),
        *(
            ("ticket.resold", one.venue_id, one.ticket_id, one.at, 0, partial(_resale, one))
            for one in season.resales
        ),
    ]
    facts.sort(key=lambda entry: entry[3])
    yield from facts


_STEP = {"page": "page.viewed", "cart": "cart.updated", "checkout": "checkout.started"}


def _order_entries(order: Order) -> Iterator[tuple]:
    about = (order.venue_id, order.id, order.sold_at)
    if order.wrong_gross is not None:
        yield "order.completed", *about, 1, partial(_order, order, order.wrong_gross)
    yield "order.completed", *about, 2, partial(_order, order, order.gross)
    if order.cancelled_at is not None:
        cancelled = partial(_cancelled, order)
        yield "order.cancelled", order.venue_id, order.id, order.cancelled_at, 0, cancelled


def _venue(venue: Venue, event: Event) -> None:
    event.venue_updated.name = venue.name
    event.venue_updated.time_zone = venue.time_zone
    event.venue_updated.currency = venue.currency


def _show(show: Show, event: Event) -> None:
    event.event_created.event_id = str(show.id)
    told = event.event_created.show
    told.name, told.genre = show.name, show.genre
    told.on_sale_at.FromDatetime(show.on_sale_at)
    told.doors_at.FromDatetime(show.doors_at)
    told.starts_at.FromDatetime(show.starts_at)


def _type(season: Season, kind: Type, event: Event) -> None:
    payload = event.ticket_type_updated
    venue_id = season.shows[kind.show_id].venue_id
    payload.ticket_type_id, payload.event_id, payload.name = str(kind.id), str(kind.show_id), kind.name
    payload.price.amount_minor = kind.price
    payload.price.currency = next(one.currency for one in season.venues if one.id == venue_id)
    payload.capacity, payload.held = kind.capacity, kind.held


def _order(order: Order, gross: int, event: Event) -> None:
    payload = event.order_completed
    payload.order_id, payload.channel, payload.currency = str(order.id), order.channel, order.currency
    payload.session_id = order.session
    for line in order.lines:
        payload.lines.add(
            ticket_type_id=str(line.type_id),
            event_id=str(line.show_id),
            quantity=line.quantity,
            unit_price_minor=line.price,
        )
    payload.gross.amount_minor, payload.gross.currency = gross, order.currency
    payload.fees.amount_minor, payload.fees.currency = order.fees, order.currency


def _cancelled(order: Order, event: Event) -> None:
    event.order_cancelled.order_id = str(order.id)


def _refund(refund: Refund, event: Event) -> None:
    payload = event.order_refunded
    payload.order_id, payload.refund_id = str(refund.order.id), str(refund.id)
    payload.amount.amount_minor, payload.amount.currency = refund.amount, refund.order.currency
    payload.fees.amount_minor, payload.fees.currency = refund.fees, refund.order.currency
    for place, quantity in refund.back.items():
        line = refund.order.lines[place]
        payload.lines.add(ticket_type_id=str(line.type_id), event_id=str(line.show_id), quantity=quantity)


def _step(step: Step, event: Event) -> None:
    show_id = "" if step.show_id is None else str(step.show_id)
    if step.kind == "page":
        payload = event.page_viewed
        payload.session_id, payload.page, payload.event_id = step.session, step.page, show_id
        payload.device_class = step.device
    elif step.kind == "cart":
        event.cart_updated.session_id = step.session
        event.cart_updated.lines.add(event_id=show_id, quantity=2)
    else:
        event.checkout_started.session_id, event.checkout_started.event_id = step.session, show_id


def _scan(scan: Scan, event: Event) -> None:
    payload = event.ticket_scanned
    payload.ticket_id, payload.event_id = str(scan.ticket_id), str(scan.show_id)
    payload.ticket_type_id, payload.order_id = str(scan.type_id), str(scan.order_id)
    payload.gate, payload.result = scan.gate, scan.result


def _transfer(transfer: Transfer, event: Event) -> None:
    event.ticket_transferred.ticket_id = str(transfer.ticket_id)
    event.ticket_transferred.event_id = str(transfer.show_id)


def _listing(one: Listing, event: Event) -> None:
    payload = event.ticket_listed
    payload.listing_id, payload.ticket_id = str(one.id), str(one.ticket_id)
    payload.event_id, payload.ticket_type_id, payload.status = str(one.show_id), str(one.type_id), one.status
    payload.price.amount_minor, payload.price.currency = one.price, one.currency
    if one.face is not None:
        payload.face_value.amount_minor, payload.face_value.currency = one.face, one.currency


def _resale(one: Resale, event: Event) -> None:
    payload = event.ticket_resold
    payload.ticket_id, payload.event_id = str(one.ticket_id), str(one.show_id)
    payload.ticket_type_id = str(one.type_id)
    payload.listing_id = "" if one.listing_id is None else str(one.listing_id)
    payload.price.amount_minor, payload.price.currency = one.price, one.currency
    payload.royalty.amount_minor, payload.royalty.currency = one.royalty, one.currency
    if one.face is not None:
        payload.face_value.amount_minor, payload.face_value.currency = one.face, one.currency
