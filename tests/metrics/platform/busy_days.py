"""A log of everything that days count, around both turns of the clock of two zones and in Kathmandu."""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5
from zoneinfo import ZoneInfo

from tickettoken.events.v1 import behavior_pb2
from tickettoken.events.v1.envelope_pb2 import Event

from tests.platform import events as make

_OWN = uuid5(NAMESPACE_OID, "busy days").int
"""Keeps the ids of this generator apart from those of others with the same seed."""


ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu")
TURNS = (date(2026, 3, 8), date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 1))
"""New York and Berlin lose an hour, Berlin and New York gain one."""


@dataclass
class BusyDays:
    """Who and what there is, and everything that happened."""

    tenant_id: UUID
    zones: dict[UUID, str]
    shows: dict[UUID, UUID]
    """Venue by show."""
    log: list[Event] = field(default_factory=list)

    def arrivals(self, seed: int, *, again: float = 0.2) -> list[Event]:
        """The log as a careless broker delivers it: shuffled, and a part of it twice."""
        chance = random.Random(seed)
        delivered = [*self.log, *chance.sample(self.log, int(again * len(self.log)))]
        chance.shuffle(delivered)
        return delivered


def busy_days(seed: int, *, facts: int = 250, zones=ZONES, days=TURNS) -> BusyDays:
    """A venue a zone with two shows each, and facts of every kind on and around the days."""
    chance = random.Random(seed)

    def new_id():
        return UUID(int=chance.getrandbits(128) ^ _OWN, version=4)

    venues = {new_id(): zone for zone in zones}
    made = BusyDays(new_id(), venues, {new_id(): venue for venue in venues for _ in range(2)})
    for venue, zone in venues.items():
        made.log.append(
            make.venue_updated(made.tenant_id, venue, version=1, time_zone=zone, event_id=new_id())
        )
    for _ in range(facts):
        venue = chance.choice(list(venues))
        show = chance.choice([one for one, its_venue in made.shows.items() if its_venue == venue])
        at = _some_moment(chance, chance.choice(days), ZoneInfo(venues[venue]))
        kind = chance.choice((_sell, _sell, _admit, _pass_on, _offer, _resell, _visit, _visit))
        kind(made, chance, new_id, venue, show, at)
    return made


def page_viewed(tenant, venue, session, *, show="", **envelope):
    view = behavior_pb2.PageViewed(session_id=session, page="/", event_id=str(show))
    return make.event(tenant, venue, session, page_viewed=view, **envelope)


def cart_updated(tenant, venue, session, *, shows=(), **envelope):
    lines = [behavior_pb2.CartLine(event_id=str(show), quantity=1) for show in shows]
    cart = behavior_pb2.CartUpdated(session_id=session, lines=lines)
    return make.event(tenant, venue, session, cart_updated=cart, **envelope)


def checkout_started(tenant, venue, session, *, show="", **envelope):
    checkout = behavior_pb2.CheckoutStarted(session_id=session, event_id=str(show))
    return make.event(tenant, venue, session, checkout_started=checkout, **envelope)


def _some_moment(chance, day, clock):
    """Somewhere around a local day, often next to one of its edges."""
    midnight = datetime.combine(day + timedelta(days=chance.choice((0, 1))), time(), clock).astimezone(UTC)
    if chance.random() < 0.3:
        return midnight + timedelta(microseconds=chance.choice((-1, 0, 1)))
    return midnight + timedelta(seconds=chance.randrange(-90_000, 90_000))


def _sell(made, chance, new_id, venue, show, at):
    tenant, order = made.tenant_id, new_id()
    other = chance.choice([one for one, its_venue in made.shows.items() if its_venue == venue])
    lines = [(chance.randint(1, 3), 1_000, None, show), (1, 500, None, other)]
    terms = {"lines": lines, "currency": chance.choice(("EUR", "USD")), "fees": 30}
    made.log.append(make.order_completed(tenant, venue, order, at=at, event_id=new_id(), **terms))
    if chance.random() < 0.2:
        later = at + timedelta(hours=30)
        made.log.append(
            make.order_completed(tenant, venue, order, at=later, version=1, event_id=new_id(), **terms)
        )
    if chance.random() < 0.4:
        made.log.append(
            make.order_refunded(
                tenant,
                venue,
                order,
                refund_id=new_id(),
                amount=700,
                fees=10,
                lines=[(1, None, show)],
                currency=terms["currency"],
                at=at + timedelta(days=40),
                event_id=new_id(),
            )
        )
    if chance.random() < 0.1:
        made.log.append(make.order_cancelled(tenant, venue, order, at=at, event_id=new_id()))


def _admit(made, chance, new_id, venue, show, at):
    ticket = new_id()
    for late in sorted(chance.sample(range(-2, 3), 2)):
        made.log.append(
            make.ticket_scanned(
                made.tenant_id,
                venue,
                ticket,
                show=show,
                gate="A",
                result=chance.choice(("admitted", "readmitted", "exited", "refused")),
                at=at + timedelta(hours=10 * late),
                event_id=new_id(),
            )
        )


def _pass_on(made, chance, new_id, venue, show, at):
    ticket = new_id()
    for days in range(chance.randint(1, 2)):
        moment = at + timedelta(days=days)
        made.log.append(
            make.ticket_transferred(made.tenant_id, venue, ticket, show=show, at=moment, event_id=new_id())
        )


def _offer(made, chance, new_id, venue, show, at):
    listing, ticket = new_id(), new_id()
    for version in range(chance.randint(1, 2)):
        made.log.append(
            make.ticket_listed(
                made.tenant_id,
                venue,
                listing,
                show=show,
                ticket=ticket,
                at=at + timedelta(days=version),
                version=version,
                event_id=new_id(),
            )
        )


def _resell(made, chance, new_id, venue, show, at):
    price = chance.choice((4_000, 6_000))
    made.log.append(
        make.ticket_resold(
            made.tenant_id, venue, new_id(), show=show, price=price, royalty=200, at=at, event_id=new_id()
        )
    )


def _visit(made, chance, new_id, venue, show, at):
    tenant, session = made.tenant_id, f"session-{chance.randrange(12)}"
    both = [one for one, its_venue in made.shows.items() if its_venue == venue]
    made.log.append(page_viewed(tenant, venue, session, at=at, event_id=new_id()))
    at += timedelta(minutes=chance.randrange(60))
    made.log.append(page_viewed(tenant, venue, session, show=show, at=at, event_id=new_id()))
    shows = chance.sample(both, chance.randint(0, 2))
    made.log.append(cart_updated(tenant, venue, session, shows=shows, at=at, event_id=new_id()))
    made.log.append(checkout_started(tenant, venue, session, show=show, at=at, event_id=new_id()))
