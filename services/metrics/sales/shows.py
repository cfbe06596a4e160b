"""A show as the reading of sales knows it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Show:
    """A show; None and "" where the platform has not told.

    `doors_at` is the start where no doors are told; `on_sale_at` the first sale where that was earlier or no
    on-sale is told; `sold_count` tickets sold before the instant asked for and not returned.
    """

    event_id: UUID
    venue_id: UUID
    name: str
    starts_at: datetime | None
    doors_at: datetime | None
    on_sale_at: datetime | None
    sold_count: int
    newest_fact_at: datetime | None
