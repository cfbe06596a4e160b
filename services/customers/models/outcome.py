"""What a run found, and the tables where it is kept."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from services.customers.models.entry import WHOLE_TENANT, ModelEntry


class Place(Protocol):
    """What a run found of a venue, or of the tenant."""

    @property
    def venue_id(self) -> UUID: ...


PlaceT = TypeVar("PlaceT", bound=Place)


@dataclass(frozen=True, slots=True)
class RunReport(Generic[PlaceT]):
    """Findings for the tenant, then for each venue, and every candidate; empty without purchases."""

    computed_at: datetime
    places: tuple[PlaceT, ...]
    entries: tuple[ModelEntry, ...]
    row_count: int

    @property
    def venue_ids(self) -> list[UUID]:
        """Venues with a purchase."""
        return sorted({place.venue_id for place in self.places} - {WHOLE_TENANT})


class RunStore(Protocol[PlaceT]):
    """The tables of one kind of run inside one transaction of the whole tenant."""

    async def lock(self) -> None:
        """Wait for another run of the tenant to be over."""

    async def replace(self, rows: AsyncIterator[bytes], report: RunReport[PlaceT]) -> None:
        """Put what a run says in the place of all that was there.

        Args:
            rows: Of a binary COPY with the stage's columns, without its header and end.
            report: What it found.
        """

    async def drop_erased(self) -> None:
        """Delete what is said of people who were erased; call it after the run has committed."""
