"""A small season of one tenant as a log of platform events, from a seed."""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from tests.platform import events as make


@dataclass
class Season:
    """Who and what there is, and everything that happened, in the order in which it happened."""

    tenant_id: UUID
    venues: list[UUID]
    shows: dict[UUID, UUID]
    """Venue by show."""
    types: dict[UUID, UUID]
    """Show by ticket type."""
    log: list[Event] = field(default_factory=list)

    def arrivals(self, seed: int, *, again: float = 0.2) -> list[Event]:
        """The log as a careless broker delivers it: shuffled, and a part of it twice."""
        chance = random.Random(seed)
        delivered = [*self.log, *chance.sample(self.log, int(again * len(self.log)))]
        chance.shuffle(delivered)
        return delivered


def season(seed: int, *, orders: int = 150) -> Season:
    """Two venues, four shows, eight ticket types; orders with refunds, restatements and cancellations."""
    chance = random.Random(seed)

    def new_id():
        return UUID(int=chance.getrandbits(128), version=4)

    venues = [new_id(), new_id()]
    shows = {new_id(): venues[number % 2] for number in range(4)}
    types = {new_id(): show for show in shows for _ in range(2)}
    made = Season(new_id(), venues, shows, types)
    _describe(made, chance, new_id)
    for _ in range(orders):
        _sell(made, chance, new_id)
    return made


def _describe(made, chance, new_id):
    tenant = made.tenant_id
    for venue in made.venues:
        for version in (1, 2):
            made.log.append(
                make.venue_updated(tenant, venue, version=version, name=f"Hall {version}", event_id=new_id())
            )
    for show, venue in made.shows.items():
        made.log.append(make.event_created(tenant, venue, show, version=1, event_id=new_id()))
        made.log.append(make.event_updated(tenant, venue, show, version=2, name="Renamed", event_id=new_id()))
    for ticket_type, show in made.types.items():
        for version in (1, 2, 3):
            made.log.append(
                make.ticket_type_updated(
                    tenant,
                    made.shows[show],
                    show,
                    ticket_type,
                    version=version,
                    capacity=100 * version,
                    held=version,
                    event_id=new_id(),
                )
            )


def _sell(made, chance, new_id):
    """One order of a random show, perhaps of two shows of its venue, and what becomes of it."""
    show = chance.choice(list(made.shows))
    venue = made.shows[show]
    order_id = new_id()
    sold_at = make.NOON + timedelta(seconds=chance.randrange(6 * 3600), microseconds=chance.randrange(10**6))
    envelope = {"at": sold_at, "event_id": new_id()}
    lines = _some_lines(made, chance, venue, show)
    listed = sum(quantity * price for quantity, price, *_ in lines)
    terms = {
        "currency": chance.choice(["EUR", "EUR", "USD"]),
        "channel": chance.choice(["web", "mobile", "box_office"]),
        "show": show,
        "fees": chance.choice([None, listed // 10]),
    }
    gross = chance.choice([None, listed * 9 // 10])
    tenant = made.tenant_id
    made.log.append(
        make.order_completed(tenant, venue, order_id, lines=lines, gross=gross, **terms, **envelope)
    )
    if chance.random() < 0.15:
        envelope = {"at": sold_at + timedelta(minutes=20), "version": 1, "event_id": new_id()}
        lines = [(quantity + 1, *rest) for quantity, *rest in lines]
        made.log.append(make.order_completed(tenant, venue, order_id, lines=lines, **terms, **envelope))
    if chance.random() < 0.3:
        _refund(made, chance, new_id, venue, order_id, lines, terms["currency"], sold_at)
    if chance.random() < 0.1:
        made.log.append(
            make.order_cancelled(tenant, venue, order_id, at=sold_at + timedelta(hours=1), event_id=new_id())
        )


def _some_lines(made, chance, venue, show):
    of_show = [ticket_type for ticket_type, its_show in made.types.items() if its_show == show]
    lines = [(chance.randint(1, 4), chance.choice([0, 1_999, 3_500]), chance.choice(of_show))]
    if chance.random() < 0.3:
        other = chance.choice([one for one, its_venue in made.shows.items() if its_venue == venue])
        its_type = chance.choice([ticket_type for ticket_type, own in made.types.items() if own == other])
        lines.append((chance.randint(1, 3), 2_500, its_type, other))
    if chance.random() < 0.1:
        lines.append((1, 500))
    return lines


def _refund(made, chance, new_id, venue, order_id, lines, currency, sold_at):
    quantity, price, ticket_type, *_ = lines[0]
    for number in range(chance.randint(1, 2)):
        back = [(1, ticket_type)] if number < quantity and chance.random() < 0.7 else []
        refund_id = new_id()
        for version in range(chance.randint(1, 2)):
            made.log.append(
                make.order_refunded(
                    made.tenant_id,
                    venue,
                    order_id,
                    refund_id=refund_id,
                    amount=price + version,
                    fees=chance.choice([None, 10]),
                    lines=back,
                    currency=currency,
                    at=sold_at + timedelta(days=1 + number, seconds=version),
                    version=version,
                    event_id=new_id(),
                )
            )
