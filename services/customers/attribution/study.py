"""Answers a question about facts: credits, a campaign's days, a venue's channels. Pure, for any process."""

import json
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from services.customers.attribution.crediting import Credit, attribute
from services.customers.attribution.facts import NOBODY, Bought, Facts, Touch
from services.customers.attribution.identification import customer_key, owners_of
from services.customers.attribution.paths import Order, Paths, Touchpoint, paths_of
from services.customers.attribution.tallies import tallies_of
from services.customers.errors import TooFewPaths

RESAMPLES: Final = 200
"""Of the bootstrap behind intervals."""

_OWN: Final = "own/"
_OTHER: Final = "other/"


class _Met(NamedTuple):
    """Touchpoints of the period with their owners, and the paths that end in it."""

    touches: list[tuple[Touch, str]]
    paths: Paths


def answered(content: bytes) -> bytes:
    """The answer, as JSON, to an encoded question.

    A question has `kind` ("credits", "days" or "channels"), `period` (start and end in microseconds),
    `window` (microseconds), `model`, and for days their `edges`. Too few paths are an answer too.
    """
    facts, question = Facts.decoded(content)
    try:
        answer = _KINDS[question["kind"]](facts, question)
    except TooFewPaths as error:
        answer = {"too_few_paths": error.metadata}
    return json.dumps(answer | {"newest_us": facts.newest_us}).encode()


def _credits(facts: Facts, question: Mapping[str, Any]) -> dict[str, Any]:
    """Credits of (own or other, channel), and what the campaign's own touchpoints cost."""
    met = _met(facts, question, lambda touch: (_OWN if touch.is_own else _OTHER) + touch.channel)
    tallies = tallies_of(met.touches, lambda touch: touch.is_own)
    divided = attribute(met.paths, question["model"], resamples=RESAMPLES)
    return {
        "own": [_plain(each, _OWN) for each in divided if each.channel.startswith(_OWN)],
        "other": [_plain(each, _OTHER) for each in divided if each.channel.startswith(_OTHER)],
        "costs": dict(tallies[True].costs),
        "journeys": _journeys(met.paths),
    }


def _channels(facts: Facts, question: Mapping[str, Any]) -> dict[str, Any]:
    """Credits and tallies of all channels."""
    met = _met(facts, question, lambda touch: touch.channel)
    tallies = tallies_of(met.touches, lambda touch: touch.channel)
    divided = attribute(met.paths, question["model"], resamples=RESAMPLES)
    known = {each.channel: _plain(each, "") for each in divided}
    return {
        "channels": [
            {"credit": known.get(channel), "channel": channel, **tallies[channel].plain()}
            for channel in sorted(known.keys() | tallies.keys())
        ],
        "journeys": _journeys(met.paths),
    }


def _days(facts: Facts, question: Mapping[str, Any]) -> dict[str, Any]:
    """The campaign's own tallies and the purchases after them, in all and by place of the day."""
    met = _met(facts, question, lambda touch: _OWN if touch.is_own else _OTHER)
    own = [(touch, owner) for touch, owner in met.touches if touch.is_own]
    sold = [journey for journey in met.paths.journeys if _OWN in journey.channels]
    edges = question["edges"]

    def day(at: int) -> int:
        return bisect_right(edges, at) - 1

    by_day: defaultdict[int, list[Order]] = defaultdict(list)
    for journey in sold:
        by_day[day(journey.order.at)].append(journey.order)
    tallies = tallies_of(own, lambda touch: day(touch.at))
    return {
        "total": tallies_of(own, lambda _: 0)[0].plain() | _sales(journey.order for journey in sold),
        "days": {
            place: tallies[place].plain() | _sales(by_day[place])
            for place in sorted(tallies.keys() | by_day.keys())
        },
    }


_KINDS: Final = {"credits": _credits, "channels": _channels, "days": _days}


def _met(facts: Facts, question: Mapping[str, Any], player: Any) -> _Met:
    touches, purchases = list(facts.touches()), list(facts.bought())
    owners = owners_of(touches, purchases, facts.named())
    period = range(*question["period"])
    paths = paths_of(
        (
            Touchpoint(f"{touch.touchpoint:016x}", owner, player(touch), touch.at)
            for touch, owner in zip(touches, owners, strict=True)
            if owner
        ),
        _orders(purchases),
        window=question["window"],
        period=period,
    )
    inside = [(touch, owner) for touch, owner in zip(touches, owners, strict=True) if touch.at in period]
    return _Met(inside, paths)


def _orders(purchases: Iterable[Bought]) -> list[Order]:
    """Standing purchases, each once, with what moved in other currencies than the sale's."""
    standing: list[Bought] = []
    elsewhere: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
    for bought in purchases:
        if bought.stands and bought.person != NOBODY:
            standing.append(bought)
        elif bought.gross_minor != bought.refund_minor:
            elsewhere[bought.order].append((bought.currency, bought.gross_minor - bought.refund_minor))
    return [
        Order(
            f"{bought.order:016x}",
            customer_key(bought.person),
            bought.at,
            bought.currency,
            bought.gross_minor,
            bought.refund_minor,
            tuple(sorted(elsewhere[bought.order])),
        )
        for bought in standing
    ]


def _plain(credit: Credit, prefix: str) -> dict[str, Any]:
    return {
        "channel": credit.channel.removeprefix(prefix),
        "conversions": credit.conversions,
        "net_minor": dict(credit.net_minor),
        "low": credit.low,
        "high": credit.high,
        "standard_error": credit.standard_error,
    }


def _journeys(paths: Paths) -> dict[str, Any]:
    attributed = _sales(journey.order for journey in paths.journeys)
    return {
        "path_count": paths.count,
        "attributed": attributed,
        "unattributed": _sales(paths.unattributed),
    }


def _sales(orders: Iterable[Order]) -> dict[str, Any]:
    """How many orders, and their net by currency."""
    count = 0
    net: Counter[str] = Counter()
    for order in orders:
        count += 1
        for currency, amount in order.money:
            net[currency] += amount
    return {"conversions": count, "net_minor": dict(net)}
