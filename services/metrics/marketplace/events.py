"""Platform events about the secondary market, as facts: one function a type."""

from typing import Final, cast
from uuid import UUID

from google.protobuf.message import Message
from tickettoken.common.v1.money_pb2 import Money
from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.revision import Revision, happened_at, optional_id, repeated_id
from services.metrics.marketplace.facts import ListingStatement, ListingStatus, Resale

LISTED: Final = "ticket.listed"
RESOLD: Final = "ticket.resold"
TYPES: Final = (LISTED, RESOLD)


def show_of(event: Event) -> str:
    """Id of the show that an event of `TYPES` is about."""
    payload = event.ticket_listed if event.type == LISTED else event.ticket_resold
    return payload.event_id


def statement_of(event: Event) -> ListingStatement:
    """What a valid ticket.listed states."""
    payload = event.ticket_listed
    return ListingStatement(
        listing_id=UUID(payload.listing_id),
        revision=Revision.of(event),
        venue_id=repeated_id(event.venue_id),
        ticket_id=repeated_id(payload.ticket_id),
        event_id=repeated_id(payload.event_id),
        ticket_type_id=optional_id(payload.ticket_type_id),
        status=cast("ListingStatus", payload.status),
        currency=payload.price.currency,
        price_minor=payload.price.amount_minor,
        face_value_minor=_known_minor(payload, "face_value"),
    )


def resale_of(event: Event) -> Resale:
    """The resale that a valid ticket.resold tells."""
    payload = event.ticket_resold
    return Resale(
        resale_id=repeated_id(event.event_id),
        resold_at=happened_at(event),
        venue_id=repeated_id(event.venue_id),
        ticket_id=repeated_id(payload.ticket_id),
        event_id=repeated_id(payload.event_id),
        ticket_type_id=optional_id(payload.ticket_type_id),
        listing_id=UUID(payload.listing_id) if payload.listing_id else None,
        currency=payload.price.currency,
        price_minor=payload.price.amount_minor,
        face_value_minor=_known_minor(payload, "face_value"),
        royalty_minor=payload.royalty.amount_minor,
    )


def _known_minor(payload: Message, field: str) -> int | None:
    if not payload.HasField(field):
        return None
    amount: Money = getattr(payload, field)
    return amount.amount_minor
