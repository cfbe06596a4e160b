"""A year's sales of one tenant whose money divides evenly, dense around every turn of the clocks."""

import random
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from tests.platform import events as make
from tests.platform.season import Season

_OWN = uuid5(NAMESPACE_OID, "year").int
"""Keeps the ids of this generator apart from those of others with the same seed."""


_TURNS = (
    datetime(2026, 3, 8, 7, tzinfo=UTC),
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
)
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def year(seed: int, *, orders: int = 120) -> Season:
    """Two venues, five shows, ten ticket types; orders of one or two shows, and all that can befall them."""
    chance = random.Random(seed)

    def new_id():
        return UUID(int=chance.getrandbits(128) ^ _OWN, version=4)

    venues = [new_id(), new_id()]
    shows = {new_id(): venues[number % 2] for number in range(5)}
    types = {new_id(): show for show in shows for _ in range(2)}
    made = Season(new_id(), venues, shows, types)
    for _ in range(orders):
        _sell(made, chance, new_id)
    return made


def moment(chance: random.Random) -> datetime:
    """An instant near a turn of the clocks, on or next to a quarter of an hour, or anywhere in the year."""
    near = chance.choice(_TURNS) + timedelta(minutes=15 * chance.randrange(-200, 200))
    return chance.choice(
        [
            near,
            near - timedelta(microseconds=1),
            near + timedelta(seconds=chance.randrange(900), microseconds=chance.randrange(10**6)),
            START + timedelta(microseconds=chance.randrange(365 * 86_400 * 10**6)),
        ]
    )


def _sell(made, chance, new_id):
    first = chance.choice(list(made.shows))
    venue = made.shows[first]
    beside = [show for show, its_venue in made.shows.items() if its_venue == venue and show != first]
    shows = [first, *chance.sample(beside, chance.choice([0, 0, 0, 1]))]
    kinds = [kind for kind, show in made.types.items() if show in shows]
    chosen = chance.sample(kinds, chance.randint(1, len(kinds)))
    lines = [(chance.randint(1, 4), 100 * chance.randint(1, 60), kind, made.types[kind]) for kind in chosen]
    if chance.random() < 0.2:
        lines.append((chance.randint(1, 3), 1_500, None, chance.choice([None, *shows])))
    whole = chance.random() < 0.3
    if whole:
        lines.append((1, 700, lines[0][2], lines[0][3]))
    order, at = new_id(), moment(chance)
    terms = {
        "currency": chance.choice(["EUR", "EUR", "USD"]),
        "channel": chance.choice(["web", "mobile", "box_office"]),
        "session_id": chance.choice(["", f"s{chance.randrange(40)}"]),
        "show": chance.choice([None, first]),
    }
    for version in range(chance.choice([1, 1, 1, 2])):
        if version:
            at, lines = moment(chance), [(quantity + 1, *rest) for quantity, *rest in lines]
        listed = sum(quantity * price for quantity, price, *_ in lines)
        fees = chance.choice([None, listed // 10])
        envelope = {"at": at, "version": version, "event_id": new_id()}
        sale = make.order_completed(made.tenant_id, venue, order, lines=lines, fees=fees, **terms, **envelope)
        made.log.append(sale)
    fate = chance.random()
    if fate < 0.12:
        made.log.append(make.order_cancelled(made.tenant_id, venue, order, at=at, event_id=new_id()))
    elif fate < 0.5:
        _refund(made, chance, new_id, venue, order, lines, terms["currency"], at, whole=whole)


def _refund(made, chance, new_id, venue, order, lines, currency, at, *, whole):
    """Tickets of one line, a part of all the money, or money of another currency."""
    listed = sum(quantity * price for quantity, price, *_ in lines)
    _, price, kind, show = chance.choice(lines)
    what = chance.choice(["money", "other"] if whole or kind is None else ["tickets", "money", "other"])
    terms = {
        "tickets": {"amount": price, "fees": 10, "lines": [(1, kind, show)]},
        "money": {"amount": listed // 10, "fees": None},
        "other": {"amount": 300, "fees": 30},
    }[what]
    made.log.append(
        make.order_refunded(
            made.tenant_id,
            venue,
            order,
            refund_id=new_id(),
            currency="CHF" if what == "other" else currency,
            at=at + timedelta(days=chance.randint(0, 30)),
            event_id=new_id(),
            **terms,
        )
    )
