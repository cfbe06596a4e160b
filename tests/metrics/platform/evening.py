"""Evenings at the doors of one tenant as a log of platform events, from a seed."""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from tickettoken.events.v1.envelope_pb2 import Event

from tests.platform import events as make

_OWN = uuid5(NAMESPACE_OID, "evening").int
"""Keeps the ids of this generator apart from those of others with the same seed."""


GATES = ("", "North", "South")


@dataclass
class Evening:
    """Who and what there is, and everything that happened."""

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


def evening(seed: int, *, tickets: int = 120, doors_at=make.NOON) -> Evening:
    """Two venues, three shows, their sales, and a crowd that comes, goes, is refused, passes tickets on."""
    chance = random.Random(seed)

    def new_id():
        return UUID(int=chance.getrandbits(128) ^ _OWN, version=4)

    venues = [new_id(), new_id()]
    shows = {new_id(): venues[number % 2] for number in range(3)}
    types = {new_id(): show for show in shows for _ in range(2)}
    made = Evening(new_id(), venues, shows, types)
    for number, (show, venue) in enumerate(shows.items()):
        starts_at = doors_at + timedelta(hours=1 + number)
        made.log.append(
            make.event_created(
                made.tenant_id, venue, show, doors_at=doors_at, starts_at=starts_at, event_id=new_id()
            )
        )
    for ticket_type, show in types.items():
        made.log.append(
            make.ticket_type_updated(
                made.tenant_id, shows[show], show, ticket_type, version=1, held=3, event_id=new_id()
            )
        )
    for _ in range(tickets):
        _one_ticket(made, chance, new_id, doors_at)
    return made


def _one_ticket(made, chance, new_id, doors_at):
    show = chance.choice(list(made.shows))
    of_show = [one for one, its_show in made.types.items() if its_show == show]
    ticket, ticket_type, order = new_id(), chance.choice([None, *of_show]), new_id()
    tenant, venue = made.tenant_id, made.shows[show]

    def happens(build, *ids, after=0.0, **told):
        at = doors_at + timedelta(minutes=after, microseconds=chance.randrange(10**6))
        made.log.append(build(tenant, venue, *ids, at=at, event_id=new_id(), **told))

    if chance.random() < 0.9:
        happens(
            make.order_completed,
            order,
            show=show,
            lines=[(1, 1_000, ticket_type)],
            after=-chance.uniform(60, 9_000),
        )
    for _ in range(chance.choice([0, 0, 0, 1, 2])):
        happens(make.ticket_transferred, ticket, show=show, after=-chance.uniform(0, 3_000))
    if chance.random() < 0.2:
        listing = new_id()
        offer = {"show": show, "ticket": ticket, "ticket_type": ticket_type}
        happens(make.ticket_listed, listing, after=-2_000, version=1, **offer)
        fate = chance.choice(["stands", "withdrawn", "resold"])
        if fate == "withdrawn":
            happens(make.ticket_listed, listing, after=-1_000, version=2, status="withdrawn", **offer)
        if fate == "resold":
            happens(make.ticket_resold, ticket, show=show, listing=listing, after=-1_000)
    _at_the_doors(chance, happens, ticket, {"show": show, "order": order}, ticket_type)


def _at_the_doors(chance, happens, ticket, told, ticket_type):
    minute = chance.uniform(0, 40)
    for result in chance.choice(
        [
            (),
            ("refused",),
            ("admitted",),
            ("refused", "admitted"),
            ("admitted", "refused"),
            ("admitted", "admitted"),
            ("admitted", "exited"),
            ("admitted", "exited", "readmitted"),
            ("readmitted", "exited"),
            ("exited",),
        ]
    ):
        typed = {"ticket_type": ticket_type} if chance.random() < 0.8 else {}
        happens(
            make.ticket_scanned,
            ticket,
            result=result,
            gate=chance.choice(GATES),
            after=minute,
            **told,
            **typed,
        )
        minute += chance.uniform(0, 20)
