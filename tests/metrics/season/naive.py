"""Every figure of a season, recounted one fact at a time."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from operator import attrgetter
from statistics import median
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.metrics.season.facts import Listing, Order, Refund, Resale, Season, Step

STEPS = ("visit", "event_page", "cart", "checkout", "order", "scan")


class Sold(NamedTuple):
    """A line of an order that counts, with what of the order's money falls to it."""

    order: Order
    show_id: UUID
    type_id: UUID
    tickets: int
    returned: int
    gross: int
    fees: int
    refund: int

    @property
    def net(self) -> int:
        return self.gross - self.refund - self.fees


def shares(total: int, weights: list[int]) -> list[int]:
    """The total by weight in whole units: what is due up to a part, rounded down, less what came before."""
    due = [total * sum(weights[: at + 1]) // sum(weights) for at in range(len(weights))]
    return [now - before for now, before in zip(due, [0, *due[:-1]], strict=True)]


def sold(season: Season) -> list[Sold]:
    """The books: every line of every order that was not cancelled."""
    refunds = defaultdict(list)
    for refund in season.refunds:
        refunds[refund.order.id].append(refund)
    return [line for order in season.standing for line in _lines(order, refunds[order.id])]


def _lines(order: Order, refunds: list[Refund]) -> Iterable[Sold]:
    listed = [line.quantity * line.price for line in order.lines]
    gross, fees = shares(order.gross, listed), shares(order.fees, listed)
    returned, money = [0] * len(listed), [0] * len(listed)
    for refund in refunds:
        taken = _taken(order, refund, returned)
        worth = [count * line.price for count, line in zip(taken, order.lines, strict=True)]
        for place, (amount, back) in enumerate(
            zip(shares(refund.amount, worth), shares(refund.fees, worth), strict=True)
        ):
            money[place] += amount
            fees[place] -= back
            returned[place] += taken[place]
    for place, line in enumerate(order.lines):
        yield Sold(
            order, line.show_id, line.type_id, line.quantity, returned[place], gross[place], fees[place],
            money[place],
        )  # fmt: skip


def _taken(order: Order, refund: Refund, returned: list[int]) -> list[int]:
    """Tickets that go back by line; those of one type and show are taken from its first lines first."""
    left = Counter()
    for place, count in refund.back.items():
        left[order.lines[place].show_id, order.lines[place].type_id] += count
    taken = []
    for line, gone in zip(order.lines, returned, strict=True):
        count = min(left[line.show_id, line.type_id], line.quantity - gone)
        left[line.show_id, line.type_id] -= count
        taken.append(count)
    return taken


def revenue(lines: Iterable[Sold]) -> dict[str, tuple[int, ...]]:
    """By currency: orders, tickets, gross, refunds, fees, net."""
    of: dict[str, list[Sold]] = defaultdict(list)
    for line in lines:
        of[line.order.currency].append(line)
    return {
        currency: (
            len({line.order.id for line in own}),
            sum(line.tickets for line in own),
            sum(line.gross for line in own),
            sum(line.refund for line in own),
            sum(line.fees for line in own),
            sum(line.net for line in own),
        )
        for currency, own in of.items()
    }


def bucket(moment: datetime, unit: str, clock: ZoneInfo) -> object:
    """The local hour (with its offset), date, Monday or first of the month of an instant."""
    local = moment.astimezone(clock)
    if unit == "hour":
        # The hour ends where the clock shows a full one; the offset keeps the two of an autumn night apart.
        return local.replace(minute=0, second=0, microsecond=0).isoformat()
    if unit == "week":
        return local.date() - timedelta(days=local.weekday())
    return local.date().replace(day=1) if unit == "month" else local.date()


class Path(NamedTuple):
    """When a session first came to each step within a window, by the step's place."""

    first: dict[int, datetime]

    @property
    def furthest(self) -> int:
        return max(self.first)


def paths(
    season: Season, start: datetime, end: datetime, *, venue: UUID | None = None, show: UUID | None = None
) -> dict[str, Path]:
    """Sessions that visited or bought within the window, and how they came to each step in it."""
    orders = {
        order.id: order
        for order in season.standing
        if order.session and venue in (None, order.venue_id) and (show is None or show in order.shows)
    }
    reached = [
        *_pages(steps(season, start, end), venue, show),
        *((order.session, 4, order.sold_at) for order in orders.values()),
    ]
    taking_part = {session for session, _, at in reached if start <= at < end}
    scans = [
        (orders[order_id].session, 5, at)
        for (_, order_id, of), at in admissions(season).items()
        if order_id in orders and show in (None, of)
    ]
    first: dict[str, dict[int, datetime]] = defaultdict(dict)
    for session, step, at in (*reached, *scans):
        if session in taking_part and start <= at < end:
            first[session][step] = min(at, first[session].get(step, at))
    return {session: Path(steps) for session, steps in first.items()}


def steps(season: Season, start: datetime, end: datetime) -> list[Step]:
    """Steps within [start, end)."""
    first, last = (bisect_left(season.steps, edge, key=attrgetter("at")) for edge in (start, end))
    return season.steps[first:last]


class Deed(NamedTuple):
    """What a session did: a step on the pages, or an order."""

    session: str
    venue_id: UUID
    shows: Collection[UUID]
    at: datetime
    kind: str


def deeds(season: Season, start: datetime, end: datetime) -> Iterable[Deed]:
    """What sessions did within [start, end)."""
    for one in steps(season, start, end):
        yield Deed(one.session, one.venue_id, () if one.show_id is None else (one.show_id,), one.at, one.kind)
    for order in season.standing:
        if order.session and start <= order.sold_at < end:
            yield Deed(order.session, order.venue_id, order.shows, order.sold_at, "order")


def _pages(
    taken: Iterable[Step], venue: UUID | None, show: UUID | None
) -> Iterable[tuple[str, int, datetime]]:
    """Session, step and instant: whatever is done on the pages is a visit, too."""
    for one in taken:
        if venue in (None, one.venue_id) and show in (None, one.show_id):
            yield one.session, 0, one.at
            yield one.session, {"page": 1 if one.show_id else 0, "cart": 2, "checkout": 3}[one.kind], one.at


def funnel(found: dict[str, Path]) -> list[tuple[str, int, float | None]]:
    """Step, sessions that came so far, median seconds since the step before."""
    steps = []
    for place, name in enumerate(STEPS):
        waits = [
            (path.first[place] - path.first[place - 1]).total_seconds()
            for path in found.values()
            if place and place in path.first and place - 1 in path.first
        ]
        waits = [wait for wait in waits if wait >= 0]
        count = sum(path.furthest >= place for path in found.values())
        steps.append((name, count, median(waits) if waits else None))
    return steps


def admissions(season: Season) -> dict[tuple[UUID, UUID, UUID], datetime]:
    """When each ticket came in first, by ticket, order and show."""
    first: dict[tuple[UUID, UUID, UUID], datetime] = {}
    for scan in season.scans:
        if scan.result in ("admitted", "readmitted"):
            key = (scan.ticket_id, scan.order_id, scan.show_id)
            first[key] = min(scan.at, first.get(key, scan.at))
    return first


def inside(season: Season) -> Counter[UUID]:
    """Tickets inside by show: those whose last scan did not let them out."""
    last: dict[UUID, tuple] = {}
    for scan in season.scans:
        if scan.result != "refused":
            known = last.get(scan.ticket_id)
            last[scan.ticket_id] = max(filter(None, (known, (scan.at, scan.result, scan.show_id))))
    return Counter(show for _, result, show in last.values() if result != "exited")


class Offers:
    """Listings of a season over time."""

    def __init__(self, season: Season) -> None:
        self._statements: dict[UUID, list[Listing]] = defaultdict(list)
        for one in season.listings:
            self._statements[one.id].append(one)
        self._sold_at = {one.listing_id: one.at for one in season.resales if one.listing_id}

    def first(self) -> list[Listing]:
        """The first statement of each listing."""
        return [min(own, key=lambda one: one.at) for own in self._statements.values()]

    def active(self, moment: datetime) -> list[Listing]:
        """The statement in force of each listing that is for sale just before this instant."""
        told = [[one for one in own if one.at < moment] for own in self._statements.values()]
        newest = [max(own, key=lambda one: one.version) for own in told if own]
        return [
            one
            for one in newest
            if one.status == "active" and not (one.id in self._sold_at and self._sold_at[one.id] < moment)
        ]


def market(
    season: Season, start: datetime, end: datetime, wanted: Callable[[Listing | Resale], bool]
) -> dict[str, dict[str, object]]:
    """The secondary market by currency."""
    offers = Offers(season)
    new = [one for one in offers.first() if start <= one.at < end and wanted(one)]
    active = [one for one in offers.active(end) if wanted(one)]
    resold = [one for one in season.resales if start <= one.at < end and wanted(one)]
    figures = {}
    for currency in {one.currency for one in (*new, *active, *resold)}:
        own = [one for one in resold if one.currency == currency]
        ratios = [one.price / one.face for one in own if one.face]
        asked = [one.price / one.face for one in active if one.currency == currency and one.face]
        figures[currency] = {
            "new_listing_count": sum(one.currency == currency for one in new),
            "active_listing_count": sum(one.currency == currency for one in active),
            "resale_count": len(own),
            "resale_amount": sum(one.price for one in own),
            "royalties": sum(one.royalty for one in own),
            "median_resale_price_ratio": median(ratios) if ratios else None,
            "median_listing_price_ratio": median(asked) if asked else None,
            "above_face_value_ratio": sum(ratio > 1 for ratio in ratios) / len(ratios) if ratios else None,
        }
    return figures
