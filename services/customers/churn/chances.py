"""How likely customers of a page are to stay away, as stored or by the model of purchases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import prod
from uuid import UUID
from zoneinfo import ZoneInfo

from services.customers.churn.reading_store import StoredChurn
from services.customers.models.entry import WHOLE_TENANT, ModelEntry
from services.customers.purchases.rows import PurchaseRow

Bought = Mapping[UUID, Sequence[PurchaseRow]]
"""Purchases by customer."""


@dataclass(frozen=True, slots=True)
class Chance:
    """Probability that a customer stays away within a horizon, and whose opinion that is."""

    probability: float
    model: str


@dataclass(frozen=True, slots=True)
class Places:
    """Where customers bought, and under which id what models say of them is stored.

    Attributes:
        clocks: By venue.
        whole: The one id that holds for all of the venues; None: each venue's own holds there.
    """

    clocks: Mapping[UUID, ZoneInfo]
    whole: UUID | None

    @property
    def ids(self) -> list[UUID]:
        return sorted(self.clocks) if self.whole is None else [self.whole]

    def of(self, rows: Sequence[PurchaseRow]) -> set[UUID]:
        """Whose opinion of somebody with these purchases is needed."""
        return {row.venue_id if self.whole is None else self.whole for row in rows if row.order_count}

    def clocks_of(self, place: UUID) -> Mapping[UUID, ZoneInfo]:
        """Clocks of the venues that a place is made of."""
        return self.clocks if place == WHOLE_TENANT else {place: self.clocks[place]}


def stored_chances(places: Places, bought: Bought, stored: Sequence[StoredChurn]) -> dict[UUID, Chance]:
    """What the run left of each customer of whom it tells everything."""
    known = {(row.customer_id, row.venue_id): Chance(row.probability, row.model) for row in stored}
    return _joined(places, bought, known)


def live_chances(
    places: Places, bought: Bought, models: Mapping[UUID, ModelEntry], now: datetime, horizon_days: int
) -> dict[UUID, Chance]:
    """What the models of purchases that serve the places say now; takes the processor."""
    from services.customers.churn.silence import Terms, silences
    from services.customers.lifetime.purchases import last_whole_day

    known: dict[tuple[UUID, UUID], Chance] = {}
    for place, entry in models.items():
        clocks = places.clocks_of(place)
        end = min(last_whole_day(now, clock) for clock in clocks.values()).toordinal()
        days = {who: local_days(rows, clocks) for who, rows in bought.items()}
        found = silences(days, Terms(entry, end, horizon_days))
        known.update(
            ((who, place), Chance(silence.probability, entry.name)) for who, silence in found.items()
        )
    return _joined(places, bought, known)


def local_days(rows: Sequence[PurchaseRow], clocks: Mapping[UUID, ZoneInfo]) -> set[int]:
    """Days (`date.toordinal`) with a purchase that stands at one of some venues, on its clock."""
    return {
        row.sold_at.astimezone(clocks[row.venue_id]).date().toordinal()
        for row in rows
        if row.order_count and row.venue_id in clocks
    }


def _joined(places: Places, bought: Bought, known: Mapping[tuple[UUID, UUID], Chance]) -> dict[UUID, Chance]:
    """Nothing is bought anywhere with the product of the chances, if all are known."""
    chances = {}
    for who, rows in bought.items():
        parts = [known.get((who, place)) for place in sorted(places.of(rows))]
        if parts and None not in parts:
            own = [part for part in parts if part is not None]
            models = "+".join(sorted({part.model for part in own}))
            chances[who] = Chance(prod(part.probability for part in own), models)
    return chances
