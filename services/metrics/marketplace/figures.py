"""Figures of the secondary market in one currency."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from libs.common.buckets import Window


@dataclass(frozen=True, slots=True)
class MarketFigures:
    """Listings and resales over a window; money in minor units.

    The medians are of price over face value, None where no face value is known; `known_face_resale_count` are
    the resales whose face value is.
    """

    currency: str
    new_listing_count: int
    active_listing_count: int
    resale_count: int
    resale_minor: int
    royalty_minor: int
    known_face_resale_count: int
    above_face_count: int
    median_resale_ratio: float | None
    median_listing_ratio: float | None

    @property
    def average_resale_minor(self) -> int | None:
        """Mean price of a resale, rounded half to even; None without one."""
        if not self.resale_count:
            return None
        return round(Fraction(self.resale_minor, self.resale_count))

    @property
    def above_face_ratio(self) -> float | None:
        """Share of resales above face value among those of known face value; None without one."""
        if not self.known_face_resale_count:
            return None
        return self.above_face_count / self.known_face_resale_count


@dataclass(frozen=True, slots=True)
class ShowActivity:
    """The market of one show in one currency; `event_name` None: not told."""

    event_id: UUID
    event_name: str | None
    venue_id: UUID
    figures: MarketFigures


@dataclass(frozen=True, slots=True)
class MarketActivity:
    """The secondary market over a window: by currency, and by show and currency."""

    window: Window
    totals: tuple[MarketFigures, ...]
    shows: tuple[ShowActivity, ...]
    as_of: datetime | None
