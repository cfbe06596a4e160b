"""The figures of the daily tables, summed by row."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

EVENT_FIGURES: Final = (
    "order_count", "ticket_count", "refunded_ticket_count", "gross_minor", "refund_minor", "fee_minor",
    "scanned_count", "transferred_count", "new_listing_count", "resale_count", "resale_minor",
    "royalty_minor", "page_view_count", "cart_count", "checkout_count",
)  # fmt: skip
VENUE_FIGURES: Final = (*EVENT_FIGURES, "visitor_count")
"""Columns in the order of every statement and row of values."""

_ORDERS_OF_A_SHOW: Final = "event_order_count"
_NAMES: Final = {*VENUE_FIGURES, _ORDERS_OF_A_SHOW}


class VenueDay(NamedTuple):
    """Key of venue_analytics."""

    venue_id: UUID
    day: date
    currency: str


class EventDay(NamedTuple):
    """Key of event_analytics."""

    event_id: UUID
    venue_id: UUID
    day: date
    currency: str


class Row(NamedTuple):
    """Figures of one row, in the order of its table's columns, and the time of the newest fact in them."""

    figures: tuple[int, ...]
    newest_fact_at: datetime


_Key = TypeVar("_Key", VenueDay, EventDay)


class DayTotals:
    """Rows of both daily tables, summed up from facts in any order."""

    def __init__(self) -> None:
        self.venues: dict[VenueDay, Row] = {}
        self.events: dict[EventDay, Row] = {}

    def add(
        self, key: VenueDay, event_id: UUID | None, figures: Mapping[str, int], newest_fact_at: datetime
    ) -> None:
        """Add figures to the venue's day, and to the show's where one is given.

        Args:
            key: Venue, day and currency.
            event_id: The show, if the fact is about one.
            figures: What to add by name; the others stay. `order_count` is the venue's number of orders,
                `event_order_count` the show's.
            newest_fact_at: Time of the newest event behind the figures.

        Raises:
            ValueError: There is no such figure.
        """
        if strangers := figures.keys() - _NAMES:
            raise ValueError(f"no figures of the daily tables: {sorted(strangers)}")
        self.add_venue(key, figures, newest_fact_at)
        if event_id is not None:
            of_show = {**figures, "order_count": figures.get(_ORDERS_OF_A_SHOW, 0)}
            self.add_event(EventDay(event_id, *key), of_show, newest_fact_at)

    def add_venue(self, key: VenueDay, figures: Mapping[str, int], newest_fact_at: datetime) -> None:
        """Add figures to the venue's day alone."""
        _add(self.venues, key, [figures.get(name, 0) for name in VENUE_FIGURES], newest_fact_at)

    def add_event(self, key: EventDay, figures: Mapping[str, int], newest_fact_at: datetime) -> None:
        """Add figures to the show's day alone."""
        _add(self.events, key, [figures.get(name, 0) for name in EVENT_FIGURES], newest_fact_at)


def _add(rows: dict[_Key, Row], key: _Key, values: Sequence[int], newest_fact_at: datetime) -> None:
    known = rows.get(key)
    if known is None:
        rows[key] = Row(tuple(values), newest_fact_at)
        return
    summed = tuple(old + new for old, new in zip(known.figures, values, strict=True))
    rows[key] = Row(summed, max(known.newest_fact_at, newest_fact_at))
