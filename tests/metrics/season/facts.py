"""What happens in a season, as plain facts; every figure is recounted from them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Venue(NamedTuple):
    id: UUID
    name: str
    time_zone: str
    currency: str


class Type(NamedTuple):
    id: UUID
    show_id: UUID
    name: str
    price: int
    capacity: int
    held: int


class Show(NamedTuple):
    id: UUID
    venue_id: UUID
    name: str
    genre: str
    on_sale_at: datetime
    doors_at: datetime
    starts_at: datetime
    types: tuple[Type, ...]

    @property
    def capacity(self) -> int:
        return sum(one.capacity for one in self.types)


class Line(NamedTuple):
    quantity: int
    price: int
    type_id: UUID
    show_id: UUID


class Order(NamedTuple):
    """`wrong_gross` was stated first and corrected by a later version; a cancelled order never counts."""

    id: UUID
    venue_id: UUID
    sold_at: datetime
    channel: str
    currency: str
    session: str
    lines: tuple[Line, ...]
    gross: int
    fees: int
    wrong_gross: int | None = None
    cancelled_at: datetime | None = None

    @property
    def tickets(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def shows(self) -> set[UUID]:
        return {line.show_id for line in self.lines}


class Refund(NamedTuple):
    """`back` maps the place of a line in the order to the tickets that went back."""

    id: UUID
    order: Order
    at: datetime
    amount: int
    fees: int
    back: dict[int, int]


class Step(NamedTuple):
    """A page view, a cart or a checkout of a session; `show_id` is None for pages about no show."""

    session: str
    venue_id: UUID
    at: datetime
    kind: str
    show_id: UUID | None
    page: str
    device: str


class Scan(NamedTuple):
    ticket_id: UUID
    venue_id: UUID
    show_id: UUID
    type_id: UUID
    order_id: UUID
    at: datetime
    gate: str
    result: str


class Transfer(NamedTuple):
    ticket_id: UUID
    venue_id: UUID
    show_id: UUID
    at: datetime


class Listing(NamedTuple):
    """One statement about a listing; the greatest version holds."""

    id: UUID
    ticket_id: UUID
    venue_id: UUID
    show_id: UUID
    type_id: UUID
    at: datetime
    version: int
    price: int
    face: int | None
    currency: str
    status: str


class Resale(NamedTuple):
    ticket_id: UUID
    listing_id: UUID | None
    venue_id: UUID
    show_id: UUID
    type_id: UUID
    at: datetime
    price: int
    face: int | None
    royalty: int
    currency: str


@dataclass
class Season:
    """Everything that happened to one tenant until `now`; steps are in the order of their time."""

    tenant_id: UUID
    now: datetime
    venues: list[Venue]
    shows: dict[UUID, Show] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    scans: list[Scan] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    resales: list[Resale] = field(default_factory=list)

    @property
    def standing(self) -> list[Order]:
        return [order for order in self.orders if order.cancelled_at is None]
