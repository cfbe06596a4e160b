"""Paths: what touched a customer before an order, and what touched one who did not order."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

DAY: Final = 86_400_000_000
"""Microseconds of a day; times here are whole microseconds since 1970 in UTC."""


class Touchpoint(NamedTuple):
    """A customer met a channel; the id tells repeats of one fact from two facts of one instant."""

    touchpoint_id: str
    customer_id: str
    channel: str
    at: int


class Order(NamedTuple):
    """A standing order with what was paid and what of it was paid back."""

    order_id: str
    customer_id: str
    at: int
    currency: str
    gross_minor: int
    refund_minor: int = 0
    elsewhere: tuple[tuple[str, int], ...] = ()
    """Net in minor units of further currencies: refunds that were paid in another one than the sale's."""

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.refund_minor

    @property
    def money(self) -> tuple[tuple[str, int], ...]:
        """Net by currency."""
        return ((self.currency, self.net_minor), *self.elsewhere)

    @property
    def is_returned(self) -> bool:
        """Whether all that was paid went back: such an order is no conversion; a free one (0 of 0) is."""
        return self.refund_minor >= self.gross_minor > 0


_Fact = TypeVar("_Fact", Touchpoint, Order)


@dataclass(frozen=True, slots=True)
class Journey:
    """One order with the channels before it, oldest first, and their ages at the order in microseconds."""

    order: Order
    channels: tuple[str, ...]
    ages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """One sequence of channels: how many orders followed it, and how often it led to none."""

    channels: tuple[str, ...]
    conversions: int
    nulls: int


@dataclass(frozen=True, slots=True)
class Paths:
    """Everything a model needs, in an order that neither the rows' order nor the channels' names decide.

    `channels` is sorted by where they occur in paths (by name only between channels that occur alike), so
    that seeded samples too stay the same when a channel is renamed.
    """

    channels: tuple[str, ...]
    paths: tuple[Path, ...]
    journeys: tuple[Journey, ...]
    unattributed: tuple[Order, ...]

    @property
    def count(self) -> int:
        """Journeys with and without an order."""
        return sum(path.conversions + path.nulls for path in self.paths)


def paths_of(
    touchpoints: Iterable[Touchpoint],
    orders: Iterable[Order],
    *,
    window: int = 30 * DAY,
    period: range | None = None,
) -> Paths:
    """Paths of all customers.

    An order's path holds every touchpoint of its customer from less than `window` before it up to its own
    instant, and after the order before it: after a conversion the path starts anew, so a touchpoint serves
    one order at most. Touchpoints that serve no order form paths without conversion, cut where one of them
    lies `window` or more after the one before, or where a touchpoint that served an order lies between.
    Orders without any are `unattributed`.

    Args:
        touchpoints: In any order; repeats of an id count once.
        orders: Standing orders in any order; of an id told twice the one with more refunded counts.
        window: Attribution window in microseconds, above 0.
        period: Only paths that end in it: by their order, or by the last touchpoint where none follows.
            Facts from `window` before it, and orders until `window` after it, tell which paths those are.
    """
    if window <= 0:
        raise ValueError("an attribution window is longer than nothing")
    touched = _by_customer({each.touchpoint_id: each for each in sorted(set(touchpoints))})
    bought = _by_customer({each.order_id: each for each in sorted(set(orders)) if not each.is_returned})
    journeys: list[Journey] = []
    unattributed: list[Order] = []
    nulls: Counter[tuple[str, ...]] = Counter()
    for customer_id in touched.keys() | bought.keys():
        seen, placed = touched.get(customer_id, []), bought.get(customer_id, [])
        found, used = _journeys(seen, placed, window)
        ending = [each for each in found if period is None or each.order.at in period]
        journeys += (journey for journey in ending if journey.channels)
        unattributed += (journey.order for journey in ending if not journey.channels)
        runs = _unused(seen, used, window)
        nulls.update(channels for channels, last in runs if period is None or last in period)
    journeys.sort(key=lambda each: (each.order.at, each.order.order_id))
    return Paths(
        *weighted(Counter(each.channels for each in journeys), nulls),
        journeys=tuple(journeys),
        unattributed=tuple(sorted(unattributed, key=lambda each: (each.at, each.order_id))),
    )


def weighted(
    conversions: Mapping[tuple[str, ...], int], nulls: Mapping[tuple[str, ...], int]
) -> tuple[tuple[str, ...], tuple[Path, ...]]:
    """Channels and deduplicated paths in their lasting order, from counts by sequence of channels."""
    paths = [
        Path(channels, conversions.get(channels, 0), nulls.get(channels, 0))
        for channels in conversions.keys() | nulls.keys()
    ]
    places: defaultdict[str, list[tuple[int, int, int, int]]] = defaultdict(list)
    for path in paths:
        for place, channel in enumerate(path.channels):
            places[channel].append((path.conversions, path.nulls, len(path.channels), place))
    channels = sorted(places, key=lambda channel: (sorted(places[channel], reverse=True), channel))
    rank = {channel: place for place, channel in enumerate(channels)}
    paths.sort(key=lambda path: [rank[channel] for channel in path.channels])
    return tuple(channels), tuple(paths)


def _by_customer(facts: Mapping[str, _Fact]) -> dict[str, list[_Fact]]:
    grouped: defaultdict[str, list[_Fact]] = defaultdict(list)
    for fact in sorted(facts.values(), key=lambda each: (each.at, each[0])):
        grouped[fact.customer_id].append(fact)
    return grouped


def _journeys(
    seen: Sequence[Touchpoint], placed: Sequence[Order], window: int
) -> tuple[list[Journey], list[bool]]:
    """A customer's journeys, and of each touchpoint whether it serves one of them."""
    times = [touchpoint.at for touchpoint in seen]
    used = [False] * len(seen)
    journeys = []
    begin = 0
    for order in placed:
        first, end = max(begin, bisect_right(times, order.at - window)), bisect_right(times, order.at)
        used[first:end] = [True] * (end - first)
        channels = tuple(touchpoint.channel for touchpoint in seen[first:end])
        journeys.append(Journey(order, channels, tuple(order.at - at for at in times[first:end])))
        begin = end
    return journeys, used


def _unused(
    seen: Sequence[Touchpoint], used: Sequence[bool], window: int
) -> Iterator[tuple[tuple[str, ...], int]]:
    """Runs of touchpoints that serve no order, with the time of the last of each."""
    run: list[str] = []
    last = 0
    for touchpoint, serves in zip(seen, used, strict=True):
        if run and (serves or touchpoint.at - last >= window):
            yield tuple(run), last
            run = []
        if not serves:
            run.append(touchpoint.channel)
            last = touchpoint.at
    if run:
        yield tuple(run), last
