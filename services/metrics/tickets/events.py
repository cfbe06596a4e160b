"""Platform events about tickets, as facts: one function a type."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.bus.revision import happened_at, optional_id, repeated_id
from services.metrics.tickets.facts import Admission, Movement, Place, Scan, Ticket, Told

SCANNED: Final = "ticket.scanned"
TYPES: Final = (SCANNED, "ticket.transferred", "ticket.listed", "ticket.resold")
"""Offers and resales name the type of a ticket, too; what they cost is the marketplace's."""


def scan_of(event: Event) -> Scan:
    """The scan that one valid ticket.scanned reports."""
    payload = event.ticket_scanned
    return Scan(
        scan_id=repeated_id(event.event_id),
        ticket_id=repeated_id(payload.ticket_id),
        event_id=repeated_id(payload.event_id),
        venue_id=repeated_id(event.venue_id),
        gate=payload.gate,
        result=payload.result,
        at=happened_at(event),
    )


def ticket_of(event: Event) -> Ticket | None:
    """What one valid event of `TYPES` says about its ticket.

    None for a refused scan: what was shown may be forged, or a ticket to another show.
    """
    return _DECODERS[event.type](event)


def show_of(event: Event) -> UUID:
    """The show that an event of `TYPES` names."""
    return repeated_id(getattr(event, event.WhichOneof("payload") or "").event_id)


def _scanned(event: Event) -> Ticket | None:
    payload = event.ticket_scanned
    if payload.result == "refused":
        return None
    at, by = happened_at(event), repeated_id(event.event_id)
    is_inside = payload.result != "exited"
    return Ticket(
        repeated_id(payload.ticket_id),
        _place(event, at, by),
        at,
        ticket_type=_told(at, by, payload.ticket_type_id),
        order=_told(at, by, payload.order_id),
        admission=Admission(at, by, payload.gate) if is_inside else None,
        movement=Movement(at, by, is_inside),
    )


def _transferred(event: Event) -> Ticket:
    at, by = happened_at(event), repeated_id(event.event_id)
    ticket_id = UUID(event.ticket_transferred.ticket_id)
    return Ticket(ticket_id, _place(event, at, by), at, first_transferred_at=at)


def _listed(event: Event) -> Ticket:
    payload = event.ticket_listed
    at, by = happened_at(event), repeated_id(event.event_id)
    ticket_type = _told(at, by, payload.ticket_type_id)
    return Ticket(repeated_id(payload.ticket_id), _place(event, at, by), at, ticket_type=ticket_type)


def _resold(event: Event) -> Ticket:
    payload = event.ticket_resold
    at, by = happened_at(event), repeated_id(event.event_id)
    return Ticket(
        repeated_id(payload.ticket_id),
        _place(event, at, by),
        at,
        ticket_type=_told(at, by, payload.ticket_type_id),
        first_resold_at=at,
    )


def _place(event: Event, at: datetime, by: UUID) -> Place:
    return Place(at, by, repeated_id(event.venue_id), show_of(event))


def _told(at: datetime, by: UUID, text: str) -> Told | None:
    named = optional_id(text)
    return None if named is None else Told(at, by, named)


_DECODERS: Final[Mapping[str, Callable[[Event], Ticket | None]]] = {
    SCANNED: _scanned,
    "ticket.transferred": _transferred,
    "ticket.listed": _listed,
    "ticket.resold": _resold,
}
