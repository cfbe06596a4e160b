"""Facts of one venue that generators look at; days are local ones of the venue's clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.buckets import Window
from services.customers.cohorts.table import Cohort

LOOK_BACK_DAYS: Final = 730
"""How far back a venue's days are looked at."""


class DaySales(NamedTuple):
    """Purchases of one day, channel and currency."""

    day: date
    channel: str
    currency: str
    order_count: int
    net_minor: int


class RegularCustomer(NamedTuple):
    """One of the venue's best customers: days with a purchase, the first and the last of them."""

    customer_id: UUID
    day_count: int
    first_day: date
    last_day: date


class ShowSales(NamedTuple):
    """A show and its sales; `sold` maps whole days before the doors to tickets sold by then."""

    event_id: UUID
    doors_at: datetime
    began_at: datetime
    genre: str
    capacity: int
    sold: Mapping[int, int]


class ShowDoors(NamedTuple):
    """A past show's tickets and how many of them were admitted."""

    event_id: UUID
    day: date
    ticket_count: int
    admitted_count: int


class TypeSales(NamedTuple):
    """Tickets of one type sold on one day at one unit price."""

    event_id: UUID
    ticket_type_id: UUID
    day: date
    unit_minor: int
    ticket_count: int


class ListPrice(NamedTuple):
    """A ticket type's present price, and the day on which the platform stated the type last."""

    unit_minor: int
    since: date


class GoodSegments(NamedTuple):
    """Customers in good segments now, those who fell into others by day, and since when moves are known."""

    member_count: int
    fallen_by_day: Mapping[date, int]
    known_since: date


@dataclass(frozen=True, slots=True)
class VenueFacts:
    """Everything that one refresh looks at.

    Attributes:
        clock: The venue's clock.
        end: First day that does not count: today, which is not over, or the first day of a silence.
        silent_days: From `end` to today; findings are made, and live, from today on.
        days: Purchases by day, in any order.
        regulars: Best customers.
        cohorts: By month of the first purchase, followed until `end`.
        shows: Shows with their sales, past and coming.
        doors: Past shows with scans.
        type_sales: Tickets by type, day and price.
        list_prices: Current prices by ticket type.
        good: Moves out of good segments; None: never calculated.
    """

    clock: ZoneInfo
    end: date
    days: Sequence[DaySales] = ()
    regulars: Sequence[RegularCustomer] = ()
    cohorts: Sequence[Cohort] = ()
    shows: Sequence[ShowSales] = ()
    doors: Sequence[ShowDoors] = ()
    type_sales: Sequence[TypeSales] = ()
    list_prices: Mapping[UUID, ListPrice] = field(default_factory=dict)
    good: GoodSegments | None = None
    silent_days: int = 0

    @property
    def made_at(self) -> datetime:
        """When the day on which they are looked at began."""
        return self.midnight(self.end + timedelta(days=self.silent_days))

    @property
    def until(self) -> datetime:
        """When the last day that counts was over."""
        return self.midnight(self.end)

    def midnight(self, day: date) -> datetime:
        """When a local day begins, UTC."""
        return datetime.combine(day, time(), tzinfo=self.clock).astimezone(UTC)

    def window(self, first: date, after: date) -> Window:
        """Whole local days, the last one excluded."""
        return Window(self.midnight(first), self.midnight(after))

    def last_days(self, count: int) -> tuple[date, date]:
        """The last `count` days: the first of them, and the day after them."""
        return self.end - timedelta(days=count), self.end
