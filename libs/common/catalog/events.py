"""Platform events about the catalog, as statements: one function a type."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from tickettoken.events.v1.envelope_pb2 import Event
from tickettoken.events.v1.venues_pb2 import Show

from libs.common.bus.revision import Revision, happened_at
from libs.common.catalog.statements import (
    CancelledEvent,
    EventState,
    Statement,
    TicketTypeState,
    VenueState,
)

TYPES = ("venue.updated", "event.created", "event.updated", "event.cancelled", "ticket_type.updated")


def statement_of(event: Event) -> Statement:
    """What one valid event of `TYPES` states."""
    return _DECODERS[event.type](event)


def _venue_updated(event: Event) -> VenueState:
    payload = event.venue_updated
    return VenueState(
        revision=Revision.of(event),
        venue_id=UUID(event.venue_id),
        name=payload.name,
        time_zone=payload.time_zone,
        currency=payload.currency,
        capacity=payload.capacity or None,
    )


def _event_created(event: Event) -> EventState:
    # Versions grow by kind of payload: a creation comes before every update, whatever its own version is.
    revision = Revision.of(event)._replace(version=0)
    return _event_state(event, revision, event.event_created.event_id, event.event_created.show)


def _event_updated(event: Event) -> EventState:
    return _event_state(event, Revision.of(event), event.event_updated.event_id, event.event_updated.show)


def _event_state(event: Event, revision: Revision, event_id: str, show: Show) -> EventState:
    return EventState(
        revision=revision,
        event_id=UUID(event_id),
        venue_id=UUID(event.venue_id),
        name=show.name,
        genre=show.genre,
        performer=show.performer,
        status=show.status,
        starts_at=_moment(show.starts_at),
        doors_at=_moment(show.doors_at) if show.HasField("doors_at") else None,
        ends_at=_moment(show.ends_at) if show.HasField("ends_at") else None,
        on_sale_at=_moment(show.on_sale_at) if show.HasField("on_sale_at") else None,
        capacity=show.capacity or None,
    )


def _event_cancelled(event: Event) -> CancelledEvent:
    return CancelledEvent(UUID(event.event_cancelled.event_id), UUID(event.venue_id), happened_at(event))


def _ticket_type_updated(event: Event) -> TicketTypeState:
    payload = event.ticket_type_updated
    return TicketTypeState(
        revision=Revision.of(event),
        ticket_type_id=UUID(payload.ticket_type_id),
        event_id=UUID(payload.event_id),
        venue_id=UUID(event.venue_id),
        name=payload.name,
        price_minor=payload.price.amount_minor,
        currency=payload.price.currency,
        capacity=payload.capacity,
        held=payload.held,
    )


def _moment(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)


_DECODERS: Final[Mapping[str, Callable[[Event], Statement]]] = {
    "venue.updated": _venue_updated,
    "event.created": _event_created,
    "event.updated": _event_updated,
    "event.cancelled": _event_cancelled,
    "ticket_type.updated": _ticket_type_updated,
}
