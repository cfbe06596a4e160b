"""Sales that go on at a human pace: people browse, buy and return tickets, and bars sell drinks."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import NamedTuple
from uuid import uuid4

import grpc
from tickettoken.events.v1.envelope_pb2 import Event
from tickettoken.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from tickettoken.metrics.v1.recording_pb2 import RecordMetricRequest

from deploy.local.simulator import events, world
from deploy.local.simulator.emission import Emitter, patiently
from deploy.local.simulator.facts import Line, Refund, Visit
from deploy.local.simulator.season import make_order
from deploy.local.simulator.world import Customer, Ids, Show, Size, Venue

_SEATS = 10_000
_DAYS_AHEAD = 14


class Crowd(NamedTuple):
    """A venue and who comes there."""

    venue: Venue
    customers: Sequence[Customer]


class BoxOffice:
    """Sells one big coming show a venue, and opens the next one when it is sold out.

    Args:
        ids: Whose season it is; live ids are random, so a restart never repeats one.
        size: Size of the season, for its venues and people.
        random: Decides everything.
        further: Venues beside those of the season.
    """

    def __init__(self, ids: Ids, size: Size, random: Random, further: Sequence[Crowd] = ()) -> None:
        self._ids = ids
        self._random = random
        today = datetime.now(UTC).date()
        crowds = [Crowd(one, world.customers(ids, size, one, today)) for one in world.venues(ids, size)]
        self._venues = tuple(crowd.venue for crowd in (*crowds, *further))
        self._crowds = {crowd.venue.id: crowd.customers for crowd in (*crowds, *further)}
        self._shows: dict[object, Show] = {}
        self._seats: dict[object, int] = {}

    @property
    def venues(self) -> tuple[Venue, ...]:
        return self._venues

    def next_events(self) -> list[Event]:
        """A visit to one venue with what came of it: nothing, an order, now and then a refund."""
        venue = self._random.choice(self._venues)
        customer = self._random.choice(self._crowds[venue.id])
        announced = self._announce(venue)
        show = self._shows[venue.id]
        now = datetime.now(UTC)
        depth = self._random.choices((1, 2, 3, 4), (20, 20, 10, 50))[0]
        session_id = f"s-{uuid4().hex[:16]}"
        visit = Visit(session_id, customer, show, now - timedelta(seconds=80), depth)
        made = [
            events.visit_step(self._ids, visit, step, visit.started_at + timedelta(seconds=20 * step))
            for step in range(1, depth + 1)
        ]
        if depth == 4:
            made += self._sell(show, customer, session_id, now)
        return announced + made

    def _announce(self, venue: Venue) -> list[Event]:
        if self._seats.get(venue.id, 0) >= 4:
            return []
        now = datetime.now(UTC).replace(microsecond=0)
        starts_at = now + timedelta(days=_DAYS_AHEAD)
        show_id = uuid4()
        show = Show(
            id=show_id,
            venue=venue,
            name=f"Open Air {starts_at:%d %B}",
            genre="festival",
            on_sale_at=now,
            doors_at=starts_at - timedelta(hours=2),
            starts_at=starts_at,
            ticket_types=world.ticket_types(self._ids, venue, show_id, _SEATS),
            popularity=1.0,
        )
        self._shows[venue.id] = show
        self._seats[venue.id] = sum(kind.capacity - kind.held for kind in show.ticket_types[:1])
        kinds = range(len(show.ticket_types))
        return [
            events.venue_updated(self._ids, venue, now),
            events.event_created(self._ids, show),
            *(events.ticket_type_updated(self._ids, show, index) for index in kinds),
        ]

    def _sell(self, show: Show, customer: Customer, session_id: str, now: datetime) -> list[Event]:
        seats = (Line(show.ticket_types[0], customer.party_size),)
        self._seats[show.venue.id] -= customer.party_size
        order = make_order(
            self._random, self._ids, show=show, customer=customer, sold_at=now, lines=seats, key=uuid4()
        )
        order = replace(order, session_id=session_id)
        sold = [events.order_completed(self._ids, order)]
        if self._random.random() < 0.03:
            refund = Refund(uuid4(), order, order.lines, order.fees_minor, now)
            sold.append(events.order_refunded(self._ids, refund))
        return sold


async def keep_selling(
    box_office: BoxOffice, emitter: Emitter, channel: grpc.aio.Channel, token: Callable[[], str], pace: float
) -> None:
    """Sell until cancelled.

    Args:
        box_office: What is sold.
        emitter: Where the events go.
        channel: To the same gateway, for metrics.
        token: Reads the bearer token.
        pace: Visits a second, on average.
    """
    metrics = MetricsServiceStub(channel)
    random = Random()
    while True:
        await emitter.send(box_office.next_events())
        if random.random() < 0.5:
            sale = bar_sale(random, random.choice(box_office.venues))
            await patiently(partial(metrics.RecordMetric, sale, timeout=30, metadata=_bearer(token())))
        await asyncio.sleep(random.expovariate(pace))


def _bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def bar_sale(random: Random, venue: Venue) -> RecordMetricRequest:
    """A drink at a venue's bar, in major units of its currency."""
    request = RecordMetricRequest(
        metric_type="bar_sales",
        value=round(random.uniform(4, 28), 2),
        venue_id=str(venue.id),
        metric_id=str(uuid4()),  # makes the call repeatable
    )
    request.dimensions["bar"] = random.choice(("foyer", "balcony", "terrace"))
    return request
