"""What happens in a season, as plain facts."""

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from deploy.local.simulator.world import Customer, Ids, Show, TicketType, Venue


@dataclass(frozen=True, slots=True)
class Line:
    ticket_type: TicketType
    quantity: int

    @property
    def amount_minor(self) -> int:
        return self.quantity * self.ticket_type.price_minor


@dataclass(frozen=True, slots=True)
class Order:
    """A paid order. Fees are what the seller pays out of it."""

    id: UUID
    customer: Customer
    show: Show
    channel: str
    sold_at: datetime
    lines: tuple[Line, ...]
    fees_minor: int
    session_id: str

    @property
    def gross_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)

    @property
    def ticket_count(self) -> int:
        return sum(line.quantity for line in self.lines)


@dataclass(frozen=True, slots=True)
class Refund:
    """Tickets that went back: all of the order (with the fees), or some of it (without)."""

    id: UUID
    order: Order
    lines: tuple[Line, ...]
    fees_minor: int
    refunded_at: datetime

    @property
    def amount_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)


@dataclass(frozen=True, slots=True)
class Visit:
    """One session. `depth`: 1 saw the home page, 2 a show's page, 3 filled a cart, 4 began the checkout."""

    session_id: str
    customer: Customer
    show: Show
    started_at: datetime
    depth: int


@dataclass(frozen=True, slots=True)
class Scan:
    ticket_id: UUID
    order: Order
    ticket_type: TicketType
    scanned_at: datetime
    gate: str
    result: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """A ticket passed on without money."""

    ticket_id: UUID
    order: Order
    transferred_at: datetime


@dataclass(frozen=True, slots=True)
class Listing:
    """What is stated about an offer of a ticket: that it stands at a price, or that it is withdrawn."""

    id: UUID
    ticket_id: UUID
    order: Order
    ticket_type: TicketType
    listed_at: datetime
    price_minor: int
    status: str
    version: int


@dataclass(frozen=True, slots=True)
class Resale:
    """An offered ticket that was sold; the venue earns a royalty."""

    ticket_id: UUID
    listing_id: UUID
    order: Order
    ticket_type: TicketType
    resold_at: datetime
    price_minor: int
    royalty_minor: int


@dataclass(slots=True)
class Season:
    """Everything that happened until the end of the anchor day's eve."""

    ids: Ids
    anchor: date
    venues: tuple[Venue, ...]
    shows: list[Show] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    scans: list[Scan] = field(default_factory=list)
    second_hands: list[Transfer | Listing | Resale] = field(default_factory=list)
