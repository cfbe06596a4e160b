"""The overview of a season, as the use cases answer it at any moment and as a naive count has it."""

from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from services.metrics.capacity.report import Capacity
from services.metrics.customers_port import NotDeployed
from services.metrics.overview.dashboard import Dashboards
from services.metrics.overview.realtime import Realtime
from services.metrics.overview.traffic import Traffic
from services.metrics.overview.windows import GRANULARITIES
from services.metrics.sales.over_time import SalesHistory
from services.metrics.sales.reader import SalesReader
from services.metrics.sales.top_events import Rankings
from services.metrics.tickets.reader import TicketReader
from services.metrics.visits.reader import VisitReader
from tests.metrics.season import naive
from tests.metrics.season.questions import windows

HOUR, ACTIVE = timedelta(hours=1), timedelta(seconds=300)
PLACES = ("all", "Spreehalle", "The Foundry", "Himal Mandap")


@pytest.fixture(scope="session")
def books(season):
    return naive.sold(season)


@pytest.fixture
def use_cases(database):
    def make(now):
        sales, visits = SalesReader(database), VisitReader(database, now=lambda: now)
        capacity, traffic = Capacity(database, Venues(database)), Traffic(visits, kept=timedelta(days=1000))
        realtime = Realtime(
            database,
            sales=sales,
            visits=visits,
            traffic=traffic,
            tickets=TicketReader(database),
            capacity=capacity,
            now=lambda: now,
        )
        dashboards = Dashboards(
            database,
            sales=sales,
            history=SalesHistory(database, sales),
            rankings=Rankings(database, sales, capacity),
            traffic=traffic,
            capacity=capacity,
            customers=NotDeployed(),
            now=lambda: now,
        )
        return realtime, dashboards

    return make


def place_of(season, name):
    """A venue and its clock, or the whole tenant by UTC."""
    for venue in season.venues:
        if venue.name == name:
            return venue.id, ZoneInfo(venue.time_zone)
    return None, ZoneInfo("UTC")


def moments(season, clock):
    """The end of the season, the days of both turns and a week after them, and a few of any day."""
    chance = Random(clock.key)
    turns = [end - (end - start) / 2 for start, end in windows(season, clock)[1:2]]
    turns += [start + (end - start) / 3 for start, end in windows(season, clock)[2:3]]
    around = [
        turn + timedelta(days=days, hours=hours) for turn in turns for days in (0, 7) for hours in (-9, 6)
    ]
    return [season.now, *around, *(season.now - timedelta(days=chance.uniform(1, 300)) for _ in range(3))]


class Stretch(NamedTuple):
    """A stretch of time: `holds` says exactly what lies in it.

    Nothing of it lies before `earliest` or from `latest` on, and all between the sure edges does.
    """

    earliest: datetime
    sure_from: datetime
    sure_to: datetime
    latest: datetime
    holds: Callable[[datetime], bool]


def window(now, clock, days, ago):
    """The local days that end `ago` days before now, at the present local time."""
    local = now.astimezone(clock)
    last = local.date() - timedelta(days=ago)

    def holds(at):
        there = at.astimezone(clock)
        if last - timedelta(days=days) < there.date() < last:
            return True
        if there.date() != last:
            return False
        return at <= now if ago == 0 else there.time() <= local.time()

    two = timedelta(days=2)
    start, end = now - timedelta(days=days + ago), now - timedelta(days=ago)
    sure_to = max(start, end - two)
    return Stretch(start - two, min(start + two, sure_to), sure_to, end + two, holds)


def since(start, now):
    return Stretch(start, start, start, now + timedelta(seconds=1), lambda at: start <= at <= now)


def _sold_at(line):
    return line.order.sold_at


class Naive:
    """Figures of one place, counted fact by fact."""

    def __init__(self, season, books, venue):
        self.season, self.venue = season, venue
        own = [line for line in books if venue in (None, line.order.venue_id)]
        self.books = sorted(own, key=_sold_at)
        venues = {order.id: order.venue_id for order in season.orders}
        self.admitted = [
            at for (_, order, _), at in naive.admissions(season).items() if venue in (None, venues[order])
        ]

    def sold(self, stretch):
        first, last = (
            bisect_left(self.books, edge, key=_sold_at) for edge in (stretch.earliest, stretch.latest)
        )
        return [line for line in self.books[first:last] if stretch.holds(line.order.sold_at)]

    def sales(self, stretch):
        return naive.revenue(self.sold(stretch))

    def orders(self, stretch):
        return len({line.order.id for line in self.sold(stretch)})

    def tickets(self, stretch):
        return sum(line.tickets for line in self.sold(stretch))

    def visited(self, stretch):
        edges = [(stretch.earliest, stretch.sure_from), (stretch.sure_to, stretch.latest)]
        steps = naive.steps(self.season, stretch.sure_from, stretch.sure_to)
        for start, end in edges:
            steps += [one for one in naive.steps(self.season, start, end) if stretch.holds(one.at)]
        return {one.session for one in steps if self.venue in (None, one.venue_id)}

    def conversion(self, stretch):
        visited = self.visited(stretch)
        bought = {line.order.session for line in self.sold(stretch)} - {""}
        return len(bought) / len(bought | visited) if bought | visited else None

    def scans(self, stretch):
        return sum(map(stretch.holds, self.admitted))

    def shows(self, time, start, end):
        own = (one for one in self.season.shows.values() if self.venue in (None, one.venue_id))
        return sorted((time(one), one.id) for one in own if start <= time(one) < end)


def both(count):
    return count.current, count.previous


@pytest.mark.parametrize("place", PLACES)
async def test_today_at_any_moment(season, books, use_cases, place):
    venue, clock = place_of(season, place)
    counted, scope = Naive(season, books, venue), TenantScope(season.tenant_id)
    for now in moments(season, clock):
        found = await use_cases(now)[0].summary(scope, venue, clock)

        pair = [window(now, clock, 1, ago) for ago in (0, 7)]
        assert both(found.orders) == tuple(map(counted.orders, pair))
        assert both(found.tickets) == tuple(map(counted.tickets, pair))
        assert both(found.scans) == tuple(map(counted.scans, pair))
        assert both(found.traffic.visitors) == tuple(len(counted.visited(one)) for one in pair)
        assert both(found.traffic.conversion) == tuple(map(counted.conversion, pair))
        current, previous = map(counted.sales, pair)
        assert [(one.currency, one.current_minor, one.previous_minor) for one in found.net_revenue] == [
            (one, current.get(one, (0,))[-1], previous.get(one, (0,))[-1])
            for one in sorted(current.keys() | previous.keys())
        ]
        assert found.orders_last_hour_count == counted.orders(since(now - HOUR, now))
        if (
            now == season.now
        ):  # a session is kept as it was seen last, so the past does not show who was active
            assert found.active_session_count == len(counted.visited(since(now - ACTIVE, now)))
        midnight = datetime.combine(now.astimezone(clock).date(), datetime.min.time(), tzinfo=clock)
        expected = counted.shows(lambda show: show.doors_at, midnight, midnight + timedelta(days=1))
        assert [one.event_id for one in found.shows.events] == [id_ for _, id_ in expected]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("period", GRANULARITIES)
async def test_every_period_at_any_moment(season, books, use_cases, place, period):
    venue, clock = place_of(season, place)
    counted, scope = Naive(season, books, venue), TenantScope(season.tenant_id)
    for now in moments(season, clock)[:6]:
        found = await use_cases(now)[1].data(scope, period, venue, clock)

        today = now.astimezone(clock).date()
        days = {"today": 1, "7d": 7, "30d": 30, "90d": 90}.get(period) or (
            today.day if period == "mtd" else today.timetuple().tm_yday
        )
        pair = [window(now, clock, days, ago) for ago in (0, days)]
        assert both(found.orders) == tuple(map(counted.orders, pair))
        assert both(found.tickets) == tuple(map(counted.tickets, pair))
        assert both(found.traffic.visitors) == tuple(len(counted.visited(one)) for one in pair)
        assert both(found.traffic.conversion) == tuple(map(counted.conversion, pair))
        for figures, stretch in zip((found.history.totals, found.previous_revenue), pair, strict=True):
            nets = {currency: sums[-1] for currency, sums in counted.sales(stretch).items()}
            assert {one.currency: one.net_minor for one in figures} == nets
        by_bucket = {}
        for line in counted.sold(pair[0]):
            key = naive.bucket(line.order.sold_at, GRANULARITIES[period], clock)
            by_bucket.setdefault(key, set()).add(line.order.id)
        assert {
            naive.bucket(one.start, GRANULARITIES[period], clock): one.order_count
            for one in found.history.buckets
            if one.order_count
        } == {key: len(orders) for key, orders in by_bucket.items()}
        ahead = counted.shows(lambda show: show.starts_at, now, now + timedelta(days=7))
        assert [one.event_id for one in found.upcoming.events] == [id_ for _, id_ in ahead]
