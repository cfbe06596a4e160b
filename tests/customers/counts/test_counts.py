"""Counts of customers against a naive recount of the orders."""

import random
from datetime import timedelta
from uuid import uuid4

import pytest

from libs.common.buckets import Window
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.errors import VenueNotFound
from services.customers.counts.counting import Counting
from tests.bus.events import delivery
from tests.platform import events as make
from tests.platform.events import NOON

DAY = timedelta(days=1)
WINDOW = Window(NOON, NOON + 10 * DAY)


class Halls:
    """Orders at two venues by thirty people, some of whom bought before the window, some elsewhere."""

    def __init__(self):
        self.tenant, self.venues = uuid4(), [uuid4(), uuid4()]
        self.orders = []
        self.log = [make.venue_updated(self.tenant, venue) for venue in self.venues]
        chance, people = random.Random(5), [uuid4() for _ in range(30)]
        for _ in range(70):
            # Whole days, so that many orders stand on the edges of the window.
            at = NOON + chance.randrange(-20, 14) * DAY
            self._sell(chance.choice(self.venues), chance.choice([*people, None]), at, chance)

    def _sell(self, venue, customer, at, chance):
        order, about = uuid4(), (self.tenant, venue)
        self.log.append(make.order_completed(*about, order, lines=[(1, 1_000)], customer=customer, at=at))
        later = at + timedelta(hours=1)
        fate = chance.random()
        if fate < 0.1:
            self.log.append(make.order_cancelled(*about, order, at=later))
            return
        if fate < 0.2:
            self.log.append(make.order_refunded(*about, order, amount=400, at=later))
            at_newest = later
        else:
            at_newest = at
        if customer is not None:
            self.orders.append((venue, customer, at, at_newest))

    def counted(self, window, venues):
        """Active, new and returning customers, and the newest fact, by going through the orders."""
        seen = [order for order in self.orders if order[0] in venues]
        before = {customer for _, customer, at, _ in seen if at < window.start}
        within = [order for order in seen if window.start <= order[2] < window.end]
        active = {customer for _, customer, _, _ in within}
        newest = max((fact for *_, fact in within), default=None)
        return len(active), len(active - before), len(active & before), newest


@pytest.fixture
async def halls(handler):
    made = Halls()
    for seed in (1, 2):
        told = made.log[:]
        random.Random(seed).shuffle(told)
        for place in range(0, len(told), 20):
            await handler([delivery(event) for event in told[place : place + 20]])
    return made


@pytest.fixture
def counted(database):
    async def counted(scope, window, venue_id=None):
        found = await Counting(database, Venues(database)).count(scope, window, venue_id)
        return found.active_count, found.new_count, found.returning_count, found.newest_fact_at

    return counted


async def test_counts_of_a_venue_are_those_of_its_own_orders(halls, counted):
    scope = TenantScope(halls.tenant)

    found = [await counted(scope, WINDOW, venue) for venue in halls.venues]

    assert found == [halls.counted(WINDOW, {venue}) for venue in halls.venues]
    assert all(min(active, new, returning) > 0 for active, new, returning, _ in found)


async def test_over_all_venues_an_order_at_another_one_before_makes_nobody_new(halls, counted):
    found = await counted(TenantScope(halls.tenant), WINDOW)

    assert found == halls.counted(WINDOW, set(halls.venues))
    assert found[1] < sum(halls.counted(WINDOW, {venue})[1] for venue in halls.venues)


async def test_a_grant_counts_only_what_it_reaches(halls, counted):
    first, second = halls.venues
    granted = TenantScope(halls.tenant, venue_ids=frozenset({first}))

    assert await counted(granted, WINDOW) == halls.counted(WINDOW, {first})
    with pytest.raises(VenueNotFound):
        await counted(granted, WINDOW, second)


async def test_another_tenant_has_no_such_venue_and_counts_nobody(halls, counted):
    stranger = TenantScope(uuid4())

    assert await counted(stranger, WINDOW) == (0, 0, 0, None)
    with pytest.raises(VenueNotFound):
        await counted(stranger, WINDOW, halls.venues[0])
