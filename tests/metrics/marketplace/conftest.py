"""Random seasons of the secondary market, and its answers in the oracle's words."""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from tests.platform import events as make
from tests.platform.events import NOON


@dataclass
class Market:
    """Shows of two venues, and everything that happened to their tickets on the secondary market."""

    tenant_id: UUID
    venues: list[UUID]
    shows: dict[UUID, UUID]
    """Venue by show."""
    log: list = field(default_factory=list)

    def arrivals(self, seed):
        """The log as a careless broker delivers it: shuffled, and a part of it twice."""
        chance = random.Random(seed)
        delivered = [*self.log, *chance.sample(self.log, len(self.log) // 4)]
        chance.shuffle(delivered)
        return delivered


def market(seed, *, listings=60):
    """Listings with price changes, withdrawals, relistings and resales; some resales without a listing."""
    chance = random.Random(f"market {seed}")  # ids of its own: a venue belongs to one tenant of the database

    def new_id():
        return UUID(int=chance.getrandbits(128), version=4)

    venues = [new_id(), new_id()]
    made = Market(new_id(), venues, {new_id(): venues[number % 2] for number in range(4)})
    for _ in range(listings):
        _offer(made, chance, new_id)
    for _ in range(listings // 6):
        _resell(made, chance, new_id, chance.choice(list(made.shows)), None, NOON, "EUR", None)
    return made


def _offer(made, chance, new_id):
    """One ticket's offers over some days, by version or only by time, and perhaps its resale."""
    show, listing, ticket = chance.choice(list(made.shows)), new_id(), new_id()
    at = NOON + timedelta(hours=chance.randrange(96), microseconds=chance.randrange(10**6))
    currency, by_version = chance.choice(["EUR", "EUR", "USD"]), chance.random() < 0.5
    face = chance.choice([None, 0, 3_000, 4_000, 5_500])
    for number in range(chance.randint(1, 4)):
        made.log.append(
            make.ticket_listed(
                made.tenant_id,
                made.shows[show],
                listing,
                show=show,
                ticket=ticket,
                price=chance.randrange(2_000, 9_000),
                face_value=face,
                currency=currency,
                status=chance.choice(["active", "active", "active", "withdrawn"]),
                at=at,
                version=number if by_version else 0,
                event_id=new_id(),
            )
        )
        at += timedelta(minutes=chance.choice([0, 7, 600, 6_000]))
    if chance.random() < 0.5:
        _resell(made, chance, new_id, show, listing, at, currency, face)


def _resell(made, chance, new_id, show, listing, at, currency, face):
    price = chance.randrange(2_000, 9_000)
    made.log.append(
        make.ticket_resold(
            made.tenant_id,
            made.shows[show],
            new_id(),
            show=show,
            listing=listing,
            price=price,
            face_value=face,
            royalty=chance.choice([None, price // 20]),
            currency=currency,
            at=at + timedelta(minutes=chance.randrange(-60, 3_000)),
            event_id=new_id(),
        )
    )
