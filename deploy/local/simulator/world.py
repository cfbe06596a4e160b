"""The scenery of a season: venues in several zones and currencies, their shows, and people with habits."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

NAMESPACE = UUID("5ea50a51-b01d-4f9e-9a57-3f1c5e1a0c11")
CHANNELS = {"web": 45, "mobile": 30, "box_office": 15, "partner": 10}


@dataclass(frozen=True, slots=True)
class Size:
    """How much happens.

    `past_days` of sales lie before the anchor; shows are announced `future_days` past it. Page views and
    scans, which are many, are made for the last `traffic_days` only.
    """

    venue_count: int
    shows_per_week: int
    past_days: int
    future_days: int
    seat_factor: float
    customers_per_venue: int
    traffic_days: int


SIZES = {
    "small": Size(3, 2, 90, 45, 0.1, 260, 14),
    "full": Size(6, 4, 365, 60, 0.62, 9_000, 14),
}


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids that depend on tenant and seed only: a second load has the same ones, another tenant others."""

    tenant_id: UUID
    seed: int
    _root: UUID = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_root", uuid5(NAMESPACE, f"{self.tenant_id}/{self.seed}"))

    def make(self, kind: str, *parts: object) -> UUID:
        return uuid5(self._root, "/".join(map(str, (kind, *parts))))


@dataclass(frozen=True, slots=True)
class Venue:
    id: UUID
    name: str
    city: str
    country: str
    time_zone: str
    currency: str
    capacity: int
    base_price_minor: int

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


@dataclass(frozen=True, slots=True)
class TicketType:
    """Tickets of one price. `held` seats are kept back by the house and never sold."""

    id: UUID
    name: str
    price_minor: int
    capacity: int
    held: int


@dataclass(frozen=True, slots=True)
class Show:
    """One evening; `popularity` is demand in houses: 1.1 wants 10 % more seats than there are."""

    id: UUID
    venue: Venue
    name: str
    genre: str
    on_sale_at: datetime
    doors_at: datetime
    starts_at: datetime
    ticket_types: tuple[TicketType, ...]
    popularity: float


@dataclass(frozen=True, slots=True)
class Customer:
    """A person who buys `appetite` times as often as others until `leaves_at`, mostly over one channel."""

    id: UUID
    name: str
    venue: Venue
    channel: str
    device: str
    party_size: int
    appetite: float
    shows_up_ratio: float
    leaves_at: datetime


# Name, city, country, zone, currency, seats, price of a middle seat in minor units.
_VENUES = (
    ("Spreehalle", "Berlin", "DE", "Europe/Berlin", "EUR", 900, 4200),
    ("The Foundry", "New York", "US", "America/New_York", "USD", 1200, 6500),
    ("Himal Mandap", "Kathmandu", "NP", "Asia/Kathmandu", "NPR", 700, 150_000),
    ("Rope Walk", "London", "GB", "Europe/London", "GBP", 1000, 3800),
    ("Sumida Hall", "Tokyo", "JP", "Asia/Tokyo", "JPY", 800, 6800),
    ("Harbour Stage", "Sydney", "AU", "Australia/Sydney", "AUD", 1100, 7500),
)
_GENRES = ("rock", "jazz", "classical", "comedy", "theatre", "dance")
_TYPES = (("Balcony", 0.6, 0.40, 0.00), ("Stalls", 1.0, 0.45, 0.05), ("Premium", 1.9, 0.15, 0.10))
_ACTS = (
    "The Long Weekend",
    "Nadia Quartet",
    "City Ensemble",
    "Paper Lanterns",
    "Late Shift",
    "Northern Line",
)
_WEEKDAYS = (4, 5, 3, 6, 2, 1, 0)
ANNOUNCED_DAYS = 60


def venues(ids: Ids, size: Size) -> tuple[Venue, ...]:
    made = []
    for name, city, country, zone, currency, seats, price in _VENUES[: size.venue_count]:
        capacity = round(seats * size.seat_factor)
        made.append(Venue(ids.make("venue", name), name, city, country, zone, currency, capacity, price))
    return tuple(made)


def shows(ids: Ids, size: Size, venue: Venue, anchor: date) -> Iterator[Show]:
    """The venue's shows around the anchor, on the same weekdays every week at 20:00 local time."""
    weekdays = _WEEKDAYS[: size.shows_per_week]
    day = anchor - timedelta(days=size.past_days)
    while day <= anchor + timedelta(days=size.future_days):
        if day.weekday() in weekdays:
            yield _show(ids, venue, day)
        day += timedelta(days=1)


def _show(ids: Ids, venue: Venue, day: date) -> Show:
    random = Random(f"{ids.seed}/show/{venue.name}/{day}")
    starts_at = datetime.combine(day, time(20), venue.zone).astimezone(UTC)
    weekend = 0.15 if day.weekday() in (4, 5) else 0.0
    show_id = ids.make("show", venue.name, day)
    return Show(
        id=show_id,
        venue=venue,
        name=random.choice(_ACTS),
        genre=random.choice(_GENRES),
        on_sale_at=starts_at - timedelta(days=ANNOUNCED_DAYS),
        doors_at=starts_at - timedelta(hours=1),
        starts_at=starts_at,
        ticket_types=ticket_types(ids, venue, show_id, venue.capacity),
        popularity=random.uniform(0.4, 0.95) + weekend,
    )


def ticket_types(ids: Ids, venue: Venue, show_id: UUID, seats: int) -> tuple[TicketType, ...]:
    """Three price categories that share the seats of a show."""
    return tuple(
        TicketType(
            id=ids.make("ticket_type", show_id, name),
            name=name,
            price_minor=round(venue.base_price_minor * factor),
            capacity=round(seats * share),
            held=round(seats * share * held),
        )
        for name, factor, share, held in _TYPES
    )


def customers(ids: Ids, size: Size, venue: Venue, anchor: date) -> tuple[Customer, ...]:
    """The venue's regulars: a few buy often (Pareto), and one in three drifts away during the season."""
    random = Random(f"{ids.seed}/customers/{venue.name}")
    until = datetime.combine(anchor, time(0), UTC)
    made = []
    for number in range(size.customers_per_venue):
        drifts_away = random.random() < 0.33
        days_before = random.uniform(0, size.past_days) if drifts_away else -3650
        made.append(
            Customer(
                id=ids.make("customer", venue.name, number),
                name=f"Guest {number + 1} of {venue.city}",
                venue=venue,
                channel=random.choices(list(CHANNELS), list(CHANNELS.values()))[0],
                device=random.choices(["desktop", "mobile", "tablet"], [45, 48, 7])[0],
                party_size=random.choices([1, 2, 3, 4], [20, 55, 10, 15])[0],
                appetite=min(random.paretovariate(1.5), 40.0),
                shows_up_ratio=random.choice([0.85, 0.95, 0.99]),
                leaves_at=until - timedelta(days=days_before),
            )
        )
    return tuple(made)
