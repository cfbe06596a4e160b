"""Sessions that wander over two venues' pages, buy and come, as a log of platform events from a seed."""

import random
from datetime import timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from tests.platform import events as make
from tests.platform.season import Season

_OWN = uuid5(NAMESPACE_OID, "journeys").int
"""Keeps the ids of this generator apart from those of others with the same seed."""


def journeys(seed, *, sessions=80, start=make.NOON, hours=30):
    """Two venues, four shows; short and long sessions, orders with and without one, cancellations, scans."""
    chance = random.Random(seed)

    def new_id():
        return UUID(int=chance.getrandbits(128) ^ _OWN, version=4)

    venues = [new_id(), new_id()]
    shows = {new_id(): venues[number % 2] for number in range(4)}
    made = Season(new_id(), venues, shows, {})
    for show, venue in shows.items():
        made.log.append(make.event_created(made.tenant_id, venue, show, version=1, event_id=new_id()))
    for number in range(sessions):
        length = chance.choice([0, 1, 600, 600, 5_000, 40_000, 200_000])
        began = start + timedelta(microseconds=chance.randrange(hours * 3600 * 10**6))
        _wander(made, chance, new_id, session=f"session-{number}", began=began, length=length)
    for _ in range(sessions // 8):
        at = start + timedelta(seconds=chance.randrange(hours * 3600))
        _buy(made, chance, new_id, session="", show=chance.choice(list(shows)), at=at)
    return made


def _wander(made, chance, new_id, *, session, began, length):
    show = chance.choice(list(made.shows))
    for _ in range(chance.randint(1, 8)):
        if chance.random() < 0.2:
            show = chance.choice(list(made.shows))
        at = began + timedelta(microseconds=chance.randrange(length * 10**6 + 1))
        envelope = {"at": at, "event_id": new_id()}
        place = (made.tenant_id, made.shows[show], session)
        kind = chance.random()
        if kind < 0.25:
            page = {"page": f"/page/{chance.randrange(9)}", "device_class": chance.choice(["desktop", ""])}
            made.log.append(make.page_viewed(*place, **page, **envelope))
        elif kind < 0.6:
            made.log.append(make.page_viewed(*place, page=f"/events/{show}", show=show, **envelope))
        elif kind < 0.8:
            shows = chance.choices([*made.shows, None], k=chance.randint(0, 3))
            made.log.append(make.cart_updated(*place, shows=shows, **envelope))
        elif kind < 0.95:
            made.log.append(make.checkout_started(*place, show=chance.choice([show, None]), **envelope))
        else:
            _buy(made, chance, new_id, session=session, show=show, at=at)
    if chance.random() < 0.3:
        _buy(made, chance, new_id, session=session, show=show, at=began + timedelta(seconds=length))


def _buy(made, chance, new_id, *, session, show, at):
    """One order, perhaps of a second show, moved, taken to another session, cancelled or scanned."""
    venue, order = made.shows[show], new_id()
    other = chance.choice([one for one, its_venue in made.shows.items() if its_venue == venue])
    terms = {"show": show, "lines": [(2, 1_000), (1, 500, None, other)]}
    place = (made.tenant_id, venue, order)
    made.log.append(make.order_completed(*place, **terms, session_id=session, at=at, event_id=new_id()))
    if chance.random() < 0.15:
        moved = {"at": at + timedelta(hours=2), "version": 1, "event_id": new_id()}
        session = chance.choice([session, "", "session-1"])
        made.log.append(make.order_completed(*place, **terms, session_id=session, **moved))
    if chance.random() < 0.15:
        made.log.append(make.order_cancelled(*place, at=at + timedelta(hours=1), event_id=new_id()))
    for _ in range(chance.choice([0, 1, 2])):
        ticket, at_the_door = new_id(), at + timedelta(seconds=chance.randrange(20 * 3600))
        for result in chance.choice([["admitted"], ["refused"], ["admitted", "exited", "readmitted"]]):
            made.log.append(
                make.ticket_scanned(
                    made.tenant_id,
                    venue,
                    ticket,
                    show=show,
                    result=result,
                    order=order,
                    at=at_the_door,
                    event_id=new_id(),
                )
            )
            at_the_door += timedelta(minutes=10)
