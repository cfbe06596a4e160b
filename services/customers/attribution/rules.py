"""Credit by rule: shares of one order that follow from the places and ages of its touchpoints alone."""

from collections.abc import Callable, Mapping, Sequence
from math import ldexp
from typing import Final

from services.customers.attribution.paths import DAY, Journey

_SCALE: Final = 60


def first_touch(ages: Sequence[int]) -> list[int]:
    return [1, *([0] * (len(ages) - 1))]


def last_touch(ages: Sequence[int]) -> list[int]:
    return [*([0] * (len(ages) - 1)), 1]


def linear(ages: Sequence[int]) -> list[int]:
    return [1] * len(ages)


def position_based(ages: Sequence[int]) -> list[int]:
    """Two fifths to the first and the last touchpoint each, the rest among those between; two share alike."""
    if len(ages) <= 2:
        return [1] * len(ages)
    between = len(ages) - 2
    return [2 * between, *([1] * between), 2 * between]


def time_decay(half_life: int = 7 * DAY) -> Callable[[Sequence[int]], list[int]]:
    """The rule that halves the weight of a touchpoint with every `half_life` (microseconds) of its age.

    Ages count from the youngest touchpoint, which changes no share and keeps every path's weights in range.
    """
    if half_life <= 0:
        raise ValueError("a half-life is longer than nothing")

    def weights(ages: Sequence[int]) -> list[int]:
        youngest = ages[-1]
        return [int(ldexp(2.0 ** ((youngest - age) / half_life), _SCALE)) for age in ages]

    return weights


Rule = Callable[[Sequence[int]], list[int]]

RULES: Final[Mapping[str, Rule]] = {
    "first_touch": first_touch,
    "last_touch": last_touch,
    "linear": linear,
    "position_based": position_based,
    "time_decay": time_decay(),
}


def weights_of(journey: Journey, rule: Rule) -> dict[str, int]:
    """Whole weights by channel, channels in the order in which they were last met."""
    weights: dict[str, int] = {}
    for channel, weight in zip(journey.channels, rule(journey.ages), strict=True):
        weights[channel] = weights.pop(channel, 0) + weight
    return weights
