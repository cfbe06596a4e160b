"""Plays a season: demand follows booking curves, seats run out, some orders go back, most holders turn up.

Pure and deterministic: the same tenant, seed, size and anchor give the same facts.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from random import Random
from typing import NamedTuple
from uuid import UUID

from deploy.local.simulator import world
from deploy.local.simulator.facts import Line, Order, Refund, Scan, Season, Visit
from deploy.local.simulator.secondary import SecondHands
from deploy.local.simulator.world import Customer, Ids, Show, Size, TicketType

# Share of a day's purchases by local hour: quiet nights, a peak at noon, a higher one in the evening.
_HOURS = tuple(accumulate((1, 1, 1, 1, 1, 1, 2, 3, 5, 6, 7, 8, 9, 8, 7, 6, 6, 7, 9, 11, 12, 10, 6, 3)))
_TYPE_WEIGHTS = (35, 48, 17)
_REFUND_RATIO = 0.04
_PARTIAL_RATIO = 0.4
_FEE_RATIO = 0.03


class _Wish(NamedTuple):
    """Somebody who wants seats; inventory decides whether it becomes an order."""

    at: datetime
    number: int
    customer: Customer


def play(ids: Ids, size: Size, anchor: date) -> Season:
    """The season of a tenant up to the anchor, 00:00 UTC."""
    season = Season(ids=ids, anchor=anchor, venues=world.venues(ids, size))
    now = datetime.combine(anchor, time(0), UTC)
    traffic_from = now - timedelta(days=size.traffic_days)
    buyers: dict[UUID, Customer] = {}
    for venue in season.venues:
        crowd = world.customers(ids, size, venue, anchor)
        for show in world.shows(ids, size, venue, anchor):
            if show.on_sale_at >= now:
                continue
            evening = _Evening(ids, show, crowd, now)
            season.shows.append(show)
            season.orders += evening.orders
            season.refunds += evening.refunds
            season.visits += evening.visits(traffic_from)
            season.scans += evening.scans(traffic_from)
            season.second_hands += SecondHands(ids, show, now).of(evening.orders, evening.refunds)
            buyers |= {order.customer.id: order.customer for order in evening.orders}
    season.customers = list(buyers.values())
    return season


def make_order(
    random: Random,
    ids: Ids,
    *,
    show: Show,
    customer: Customer,
    sold_at: datetime,
    lines: tuple[Line, ...],
    key: object,
) -> Order:
    """An order over the customer's usual channel or, now and then, another one."""
    usual = random.random() < 0.7
    channels = list(world.CHANNELS)
    channel = customer.channel if usual else random.choices(channels, list(world.CHANNELS.values()))[0]
    gross = sum(line.amount_minor for line in lines)
    return Order(
        id=ids.make("order", show.id, key),
        customer=customer,
        show=show,
        channel=channel,
        sold_at=sold_at,
        lines=lines,
        fees_minor=round(gross * _FEE_RATIO),
        session_id=f"s-{ids.make('session', show.id, key).hex[:16]}" if channel != "box_office" else "",
    )


class _Evening:
    """Everything about one show, from its own stream of random numbers."""

    def __init__(self, ids: Ids, show: Show, crowd: tuple[Customer, ...], now: datetime) -> None:
        self._ids = ids
        self._show = show
        self._crowd = crowd
        self._now = now
        self._random = Random(f"{ids.seed}/sales/{show.id}")
        self._seats = {kind.id: kind.capacity - kind.held for kind in show.ticket_types}
        self.orders = list(self._sell())
        self.refunds = list(self._give_back())

    def visits(self, since: datetime) -> Iterator[Visit]:
        """The session of every online order, and for each of them two that end before they pay."""
        random, show = self._random, self._show
        for order in self.orders:
            if order.sold_at < since or not order.session_id:
                continue
            before = timedelta(seconds=random.randrange(120, 900))
            yield Visit(order.session_id, order.customer, show, order.sold_at - before, 4)
            for number in range(2):
                session = f"s-{self._ids.make('session', order.id, number).hex[:16]}"
                started_at = order.sold_at - timedelta(seconds=random.randrange(60, 3600))
                (depth,) = random.choices((1, 2, 3, 4), (40, 35, 15, 10))
                yield Visit(session, random.choice(self._crowd), show, started_at, depth)

    def scans(self, since: datetime) -> Iterator[Scan]:
        """Holders arrive around half an hour before the show; those who do not turn up are not scanned."""
        if self._show.doors_at < since or self._show.starts_at >= self._now:
            return
        returned = {
            (refund.order.id, line.ticket_type.id): line.quantity
            for refund in self.refunds
            for line in refund.lines
        }
        for order in self.orders:
            for line in order.lines:
                kept = line.quantity - returned.get((order.id, line.ticket_type.id), 0)
                for number in range(kept):
                    if self._random.random() < order.customer.shows_up_ratio:
                        yield self._scan(order, line, number)

    def _scan(self, order: Order, line: Line, number: int) -> Scan:
        arrival = max(-59.0, min(self._random.gauss(-30, 15), 30.0))
        return Scan(
            ticket_id=self._ids.make("ticket", order.id, line.ticket_type.id, number),
            order=order,
            ticket_type=line.ticket_type,
            scanned_at=self._show.starts_at + timedelta(minutes=arrival),
            gate=f"gate-{self._random.randrange(1, 4)}",
            result="refused" if self._random.random() < 0.01 else "admitted",
        )

    def _sell(self) -> Iterator[Order]:
        for wish in sorted(self._wishes()):
            if wish.at >= min(self._now, wish.customer.leaves_at):
                continue
            if lines := self._seats_for(wish.customer.party_size):
                yield make_order(
                    self._random,
                    self._ids,
                    show=self._show,
                    customer=wish.customer,
                    sold_at=wish.at,
                    lines=lines,
                    key=wish.number,
                )

    def _wishes(self) -> Iterator[_Wish]:
        seats = sum(kind.capacity for kind in self._show.ticket_types)
        reach = list(accumulate(customer.appetite for customer in self._crowd))
        for number in range(round(seats * self._show.popularity / 2.2)):
            (customer,) = self._random.choices(self._crowd, cum_weights=reach)
            yield _Wish(self._moment(), number, customer)

    def _moment(self) -> datetime:
        """Three in ten buy in the rush after the on-sale, the rest ever more as the doors come near."""
        random, show = self._random, self._show
        if random.random() < 0.3:
            day = show.on_sale_at + timedelta(days=random.expovariate(1 / 2.5))
        else:
            lead = min(random.expovariate(1 / 13), world.ANNOUNCED_DAYS - 1)
            day = show.doors_at - timedelta(days=lead)
        (hour,) = random.choices(range(24), cum_weights=_HOURS)
        local = day.astimezone(show.venue.zone).replace(
            hour=hour, minute=random.randrange(60), second=random.randrange(60), microsecond=0
        )
        return min(max(local.astimezone(UTC), show.on_sale_at), show.doors_at)

    def _seats_for(self, party: int) -> tuple[Line, ...]:
        """Seats together in the wanted category, else in any other, else none; they are taken."""
        kinds = self._show.ticket_types
        (wanted,) = self._random.choices(kinds, _TYPE_WEIGHTS)
        for kind in (wanted, *kinds):
            if self._seats[kind.id] >= party:
                self._seats[kind.id] -= party
                split = party == 4 and self._random.random() < 0.3
                return self._in_two_categories(kind) if split else (Line(kind, party),)
        return ()

    def _in_two_categories(self, kind: TicketType) -> tuple[Line, ...]:
        """Two of four seats moved to another category, where one has two left."""
        for other in self._show.ticket_types:
            if other is not kind and self._seats[other.id] >= 2:
                self._seats[kind.id] += 2
                self._seats[other.id] -= 2
                return (Line(kind, 2), Line(other, 2))
        return (Line(kind, 4),)

    def _give_back(self) -> Iterator[Refund]:
        random = self._random
        for order in self.orders:
            if random.random() >= _REFUND_RATIO:
                continue
            refunded_at = order.sold_at + timedelta(days=random.uniform(0.05, 6))
            if refunded_at >= min(self._now, self._show.doors_at):
                continue
            partial = order.ticket_count > 1 and random.random() < _PARTIAL_RATIO
            yield Refund(
                id=self._ids.make("refund", order.id),
                order=order,
                lines=(Line(order.lines[0].ticket_type, 1),) if partial else order.lines,
                fees_minor=0 if partial else order.fees_minor,
                refunded_at=refunded_at.replace(microsecond=0),
            )
