"""People of a tenant who buy at venues on two clocks, and what a naive recount finds of them."""

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.customers.people.shoppers import bought
from tests.customers.purchases import histories
from tests.customers.rfm import comparing
from tests.platform import events as make

ZONES = ("Pacific/Auckland", "America/New_York")
WINDOW = timedelta(days=365)


class Town:
    """Buys the same for the same seed; `start` is a moment some days ago, which runs can look back from."""

    def __init__(self, seed, *, people=80, venues=2):
        self.random = random.Random(seed)
        self.tenant, *self.venues = (uuid4() for _ in range(1 + venues))
        self.people = [uuid4() for _ in range(people)]
        self.zones = dict(zip(self.venues, ZONES, strict=False))
        self.start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=8)
        self.orders = []
        self.events = [
            make.venue_updated(self.tenant, venue, time_zone=zone) for venue, zone in self.zones.items()
        ]
        for _ in range(5 * people):
            self._sale(self.start - timedelta(minutes=self.random.randrange(500 * 24 * 60)))
        for day in range(7):  # sales of which some leave the window every night, just before or after it
            for _ in range(3):
                hours = self.random.randrange(48)
                self._sale(self.start - WINDOW + timedelta(days=day, hours=hours))

    def day_passes(self, moment):
        """Events of a day that ends at a moment: sales of it, late ones and one of tomorrow, and returns."""
        before = len(self.events)
        for _ in range(3):
            self._sale(moment - timedelta(minutes=self.random.randrange(24 * 60)))
        self._sale(moment - timedelta(minutes=self.random.randrange(450 * 24 * 60)))
        self._sale(moment + timedelta(hours=self.random.randrange(1, 20)))
        self._sale(moment - timedelta(hours=1), person=uuid4())
        venue, order, currency = self.random.choice(self.orders)
        amount = self.random.choice((500, 5_000))
        self.events.append(
            make.order_refunded(self.tenant, venue, order, amount=amount, currency=currency, at=moment)
        )
        venue, order, _ = self.random.choice(self.orders)
        self.events.append(make.order_cancelled(self.tenant, venue, order, at=moment))
        return self.events[before:]

    async def assert_exact(self, as_admin, as_of):
        """Rows and sums of every place equal a recount."""
        for place in (*self.venues, comparing.WHOLE):
            people, scores = self.expected(place, as_of)
            assert await comparing.stored_people(as_admin, self.tenant, place) == people
            assert await comparing.stored_scores(as_admin, self.tenant, place) == scores
            totals = comparing.totals_of(people, scores)
            assert await comparing.stored_totals(as_admin, self.tenant, place) == totals

    def expected(self, place, as_of):
        rows = comparing.rows_of(histories.purchases(self.events))
        zones = self.zones if place == comparing.WHOLE else {place: self.zones[place]}
        people = comparing.people_at([row for row in rows if row[0] in zones], self.zones, as_of)
        return people, comparing.scored(people, comparing.today_at(zones, as_of))

    def _sale(self, at, person=None):
        venue, order = self.random.choice(self.venues), uuid4()
        currency = self.random.choice(("EUR", "EUR", "EUR", "USD"))
        price = self.random.choice((1_000, 2_550, 9_900))
        person = person or self.random.choice(self.people)
        self.orders.append((venue, order, currency))
        self.events.append(
            bought(
                self.tenant,
                venue,
                person,
                order,
                lines=((self.random.randint(1, 4), price),),
                currency=currency,
                at=at,
            )
        )
