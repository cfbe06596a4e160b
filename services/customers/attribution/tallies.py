"""What touchpoints amount to: by kind, by people, by cost."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from services.customers.attribution.facts import Touch

_Label = TypeVar("_Label", bound=Hashable)


@dataclass(slots=True)
class Tally:
    """Touchpoints by kind, everybody who met one, and what they cost by currency in minor units."""

    kinds: Counter[str] = field(default_factory=Counter)
    people: set[str] = field(default_factory=set)
    costs: Counter[str] = field(default_factory=Counter)

    def plain(self) -> dict[str, object]:
        """The figures as JSON values."""
        return {"kinds": dict(self.kinds), "reach": len(self.people), "costs": dict(self.costs)}


def tallies_of(
    touches: Iterable[tuple[Touch, str]], label: Callable[[Touch], _Label]
) -> defaultdict[_Label, Tally]:
    """A tally of each label.

    Args:
        touches: Each with its owner; empty: nobody in particular, who is in no reach.
        label: What to count a touchpoint under.
    """
    found: defaultdict[_Label, Tally] = defaultdict(Tally)
    for touch, owner in touches:
        tally = found[label(touch)]
        tally.kinds[touch.kind] += 1
        if owner:
            tally.people.add(owner)
        if touch.cost_currency:
            tally.costs[touch.cost_currency] += touch.cost_minor
    return found
