"""Whose a touchpoint is that names nobody: whoever is named in its session."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain

from services.customers.attribution.facts import NOBODY, Bought, Named, Touch


def owners_of(
    touches: Sequence[Touch], purchases: Iterable[Bought], people: Iterable[Named] = ()
) -> list[str]:
    """For each touchpoint the person who met it; empty where nothing tells one person from another.

    In a session that names somebody, by a purchase, another touchpoint or a step of theirs, it is the first
    who is named at that instant or later, else the last who was named before. A session that names nobody is
    a person of its own.
    """
    named: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    facts: Iterable[Touch | Bought | Named] = chain(touches, purchases, people)
    for fact in facts:
        if fact.session and fact.person:
            named[fact.session].append((fact.at, fact.person))
    for order in named.values():
        order.sort()
    return [_owner(touch, named.get(touch.session, [])) for touch in touches]


def customer_key(person: int) -> str:
    """How `owners_of` names a customer."""
    return f"c{person}"


def _owner(touch: Touch, named: Sequence[tuple[int, int]]) -> str:
    if touch.person != NOBODY:
        return customer_key(touch.person)
    if touch.session == NOBODY:
        return ""
    if not named:
        return f"s{touch.session}"
    place = min(bisect_left(named, (touch.at, 0)), len(named) - 1)
    return customer_key(named[place][1])
