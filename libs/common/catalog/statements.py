"""What platform events say about venues, events and ticket types."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.bus.revision import Revision


@dataclass(frozen=True, slots=True)
class VenueState:
    """A venue as one venue.updated states it."""

    revision: Revision
    venue_id: UUID
    name: str
    time_zone: str
    currency: str
    capacity: int | None


@dataclass(frozen=True, slots=True)
class EventState:
    """A show as one event.created or event.updated states it; `capacity` None: only its ticket types tell."""

    revision: Revision
    event_id: UUID
    venue_id: UUID
    name: str
    genre: str
    performer: str
    status: str
    starts_at: datetime
    doors_at: datetime | None
    ends_at: datetime | None
    on_sale_at: datetime | None
    capacity: int | None


class NamedEvent(NamedTuple):
    """A show that a fact names, at the fact's venue."""

    event_id: UUID
    venue_id: UUID


class CancelledEvent(NamedTuple):
    """A show that will not take place."""

    event_id: UUID
    venue_id: UUID
    cancelled_at: datetime


@dataclass(frozen=True, slots=True)
class TicketTypeState:
    """A ticket type as one ticket_type.updated states it; `capacity` counts sold, held and for sale."""

    revision: Revision
    ticket_type_id: UUID
    event_id: UUID
    venue_id: UUID
    name: str
    price_minor: int
    currency: str
    capacity: int
    held: int


Statement = VenueState | EventState | CancelledEvent | TicketTypeState
