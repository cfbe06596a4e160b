"""A season of purchases with its naive recount, and what is asked of the service about segments."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tickettoken.customers.v1 import segments_pb2

from tests.customers.people.shoppers import bought, registered
from tests.customers.rfm import comparing
from tests.platform import events as make

ZONE = "America/New_York"
PRICES = (1_000, 2_500, 4_000, 9_000)


class Season:
    """Purchases of twelve people at three venues, in two currencies, some months back from now."""

    def __init__(self):
        self.now = datetime.now(UTC)
        self.tenant, self.venues = uuid4(), [uuid4() for _ in range(3)]
        self.people = sorted(uuid4() for _ in range(12))
        self.zones = dict.fromkeys(self.venues, ZONE)
        self.rows = []
        for place, person in enumerate(self.people):
            for number in range(1 + place % 4):
                venue = self.venues[(place + number) % 3]
                sold_at = self.now - timedelta(days=3 + 31 * place + 17 * number, hours=1)
                currency = "USD" if (place + number) % 5 == 0 else "EUR"
                price = PRICES[(place + number) % 4] + place
                self.rows.append((venue, person, sold_at, currency, 1, price))

    def events(self):
        for venue in self.venues:
            yield make.venue_updated(self.tenant, venue, time_zone=ZONE)
        for venue, person, sold_at, currency, _, price in self.rows:
            yield bought(self.tenant, venue, person, lines=((1, price),), currency=currency, at=sold_at)
        for place, person in enumerate(self.people):
            yield registered(
                self.tenant,
                person,
                name=f"Ada Byron {place}",
                email=f"ada{place}@example.org",
                marketing_consent=place % 2 == 0,
                tags=["member"] if place % 3 == 0 else [],
            )

    def at(self, *venues):
        """People and their scores, recounted from what these venues sold."""
        rows = [row for row in self.rows if row[0] in venues]
        people = comparing.people_at(rows, self.zones, self.now)
        return people, comparing.scored(people, comparing.today_at(self.zones, self.now))


def told(answer):
    """Customers by segment, and spend by segment and currency, of those that scores make."""
    counts = {one.segment: one.customer_count for one in answer.segments if one.customer_count}
    spends = {
        (one.segment, spend.currency): spend.amount_minor
        for one in answer.segments
        for spend in one.spends
        if spend.amount_minor
    }
    return counts, spends


def condition(field, operator, value):
    key = {float: "number", int: "number", list: "values", bool: "flag"}[type(value)]
    return segments_pb2.SegmentCondition(field=field, operator=operator, **{key: value})


def creating(venue, name, *conditions):
    return segments_pb2.CreateSegmentRequest(
        venue_id=str(venue),
        name=name,
        predicate=segments_pb2.SegmentPredicate(conditions=[condition(*one) for one in conditions]),
    )


async def members(client, venue, segment):
    answer = await client.insights.ListVenueCustomers(
        segments_pb2.ListVenueCustomersRequest(venue_id=str(venue), segment=segment), metadata=client.metadata
    )
    return {one.customer_id for one in answer.customers}
