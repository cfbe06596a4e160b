"""A show as its performance is judged."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Show:
    """A show; None and "" where the platform has not told.

    Attributes:
        event_id: The show.
        venue_id: Its venue now.
        time_zone: IANA zone of that venue.
        name: Its name.
        genre: Its genre.
        starts_at: When it begins.
        doors_at: When its doors open; its start where no doors are told.
        on_sale_at: When its sales begin.
        first_sold_at: Its first sale.
        price_minor: Median price of its ticket types; None also where they are not of one currency.
        currency: Currency of that price.
        cancelled: Whether it was cancelled.
        newest_fact_at: Newest statement about the show or its ticket types.
    """

    event_id: UUID
    venue_id: UUID
    time_zone: str
    name: str
    genre: str
    starts_at: datetime | None
    doors_at: datetime | None
    on_sale_at: datetime | None
    first_sold_at: datetime | None
    price_minor: float | None
    currency: str
    cancelled: bool
    newest_fact_at: datetime | None

    @property
    def began_at(self) -> datetime | None:
        """Since when it was sold: from its on-sale or its first sale, whichever was earlier."""
        known = [moment for moment in (self.on_sale_at, self.first_sold_at) if moment is not None]
        return min(known, default=None)

    def sold_by(self, at: datetime) -> bool:
        """Whether its sales had begun by an instant; yes where nobody told."""
        return self.began_at is None or self.began_at <= at
