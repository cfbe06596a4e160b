"""What platform events say about the secondary market."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from libs.common.bus.revision import Revision

ListingStatus = Literal["active", "withdrawn"]


@dataclass(frozen=True, slots=True)
class ListingStatement:
    """A listing as one ticket.listed states it; money in minor units of `currency`."""

    listing_id: UUID
    revision: Revision
    venue_id: UUID
    ticket_id: UUID
    event_id: UUID
    ticket_type_id: UUID | None
    status: ListingStatus
    currency: str
    price_minor: int
    face_value_minor: int | None

    @property
    def stated_at(self) -> datetime:
        return self.revision.occurred_at


@dataclass(frozen=True, slots=True)
class Resale:
    """One ticket.resold; its event's id is its own. From `resold_at` on it closes the listing it names."""

    resale_id: UUID
    resold_at: datetime
    venue_id: UUID
    ticket_id: UUID
    event_id: UUID
    ticket_type_id: UUID | None
    listing_id: UUID | None
    currency: str
    price_minor: int
    face_value_minor: int | None
    royalty_minor: int
