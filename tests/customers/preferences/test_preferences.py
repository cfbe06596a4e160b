"""Preferences against a count by hand: on the venue's clock, at granted venues, against what others buy."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

import pytest

from libs.common.bus.consumer import service_caller
from libs.common.cache.cache import Cache
from libs.common.context import TenantScope, acting_as
from libs.common.redis import connect
from services.customers.errors import CustomerNotFound
from services.customers.people.reader import PeopleReader
from services.customers.preferences.preferences import Tastes
from tests.customers.people.shoppers import bought, record
from tests.platform import events as make

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def tastes(database, cache):
    return Tastes(database, PeopleReader(database), cache, now=lambda: NOW)


async def preferences(tastes, tenant, person, *, venues=None):
    with acting_as(service_caller("customers", tenant)):
        found = await tastes.of_user(TenantScope(tenant, venues), person)
    return {dimension.name: dimension for dimension in found.dimensions}, found


def told(dimension):
    return {one.value: one.evidence_count for one in dimension.preferences}


@pytest.mark.parametrize(
    ("time_zone", "starts_at", "sold_at", "weekday", "lead_time"),
    [
        # The clocks of Berlin are put forward on Sunday, 29 March 2026, at 1:00 UTC.
        ("Europe/Berlin", "2026-03-28T22:59:59", "2026-03-28T22:00:00", "saturday", "same_day"),
        ("Europe/Berlin", "2026-03-28T23:00:00", "2026-03-28T22:59:59", "sunday", "within_week"),
        ("Europe/Berlin", "2026-03-29T21:59:59", "2026-03-28T23:00:00", "sunday", "same_day"),
        ("Europe/Berlin", "2026-03-29T22:00:00", "2026-03-29T21:59:59", "monday", "within_week"),
        # Back on Sunday, 25 October 2026.
        ("Europe/Berlin", "2026-10-25T22:59:59", "2026-10-24T22:00:00", "sunday", "same_day"),
        ("Asia/Kathmandu", "2026-05-01T18:14:59", "2026-04-24T18:15:00", "friday", "within_week"),
        ("Asia/Kathmandu", "2026-05-01T18:15:00", "2026-04-24T18:14:59", "saturday", "within_month"),
        ("America/New_York", "2026-03-08T04:59:59", "2026-02-06T12:00:00", "saturday", "within_month"),
        ("America/New_York", "2026-03-08T05:00:00", "2026-02-06T12:00:00", "sunday", "within_quarter"),
    ],
)
async def test_days_are_those_of_the_venues_clock(
    tastes, handler, time_zone, starts_at, sold_at, weekday, lead_time
):
    tenant, venue, show, person = (uuid4() for _ in range(4))
    starts, sold = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (starts_at, sold_at))
    await record(
        handler,
        [
            make.venue_updated(tenant, venue, time_zone=time_zone),
            make.event_created(tenant, venue, show, starts_at=starts),
            bought(tenant, venue, person, show=show, at=sold),
        ],
    )

    found, _ = await preferences(tastes, tenant, person)

    assert told(found["weekday"]) == {weekday: 1}
    assert told(found["lead_time"]) == {lead_time: 1}


async def test_purchases_after_the_show_and_without_a_show_tell_only_what_they_can(tastes, handler):
    tenant, venue, show, person = (uuid4() for _ in range(4))
    starts = make.NOON
    await record(
        handler,
        [
            make.event_created(tenant, venue, show, starts_at=starts, genre="jazz"),
            bought(tenant, venue, person, show=show, at=starts + timedelta(days=2)),
            bought(tenant, venue, person, lines=[(5, 0)]),
        ],
    )

    found, whole = await preferences(tastes, tenant, person)

    assert "lead_time" not in found
    assert told(found["genre"]) == {"jazz": 1}
    assert told(found["party_size"]) == {"alone": 1, "group": 1}
    assert whole.purchase_count == 2
    assert whole.as_of == starts + timedelta(days=2)


def quartile_band(price, prices):
    """Which quarter of all prices a price is in, by looking at them."""
    ordered = sorted(prices)
    cuts = [ordered[max(0, -(-share * len(ordered) // 4) - 1)] for share in (1, 2, 3)]
    return ("lowest", "lower", "upper", "highest")[sum(price > cut for cut in cuts)]


@pytest.fixture
async def crowd(handler):
    """Two venues with random sales of a crowd; the log as plain tuples."""
    random, tenant = Random(4), uuid4()
    venues, people = [uuid4(), uuid4()], [uuid4() for _ in range(7)]
    genres = {venue: [(uuid4(), genre) for genre in ("jazz", "rock", "opera")] for venue in venues}
    events, log = [], []
    for venue in venues:
        events.append(make.venue_updated(tenant, venue, time_zone="Europe/Vienna"))
        for place, (show, genre) in enumerate(genres[venue]):
            starts = NOW + timedelta(days=place)
            events.append(make.event_created(tenant, venue, show, genre=genre, starts_at=starts))
    for number in range(150):
        venue, person, order = random.choice(venues), random.choice(people), uuid4()
        show, genre = random.choices(genres[venue], weights=(5, 2, 1) if venue == venues[0] else (1, 1, 4))[0]
        quantity, price = random.randint(1, 6), random.choice([1_000, 2_000, 2_500, 7_000])
        channel, at = random.choice(["web", "box_office"]), NOW - timedelta(hours=number)
        lines = [(quantity, price, None, show)]
        events.append(bought(tenant, venue, person, order, lines=lines, channel=channel, show=show, at=at))
        if random.random() < 0.1:
            events.append(make.order_refunded(tenant, venue, order, amount=quantity * price, at=at))
        else:
            log.append((venue, person, genre, price, quantity, channel))
    random.shuffle(events)
    await record(handler, events)
    return tenant, venues, people, log


def observed(log, venue, person, dimension):
    """Values of a dimension that a person bought, or that anybody did (None), at a venue."""
    prices = [price for where, _, _, price, _, _ in log if where == venue]
    sizes = ("", "alone", "pair", "small_group", "small_group", "group", "group")
    values = []
    for where, who, genre, price, quantity, channel in log:
        if where == venue and person in (None, who):
            values.append(
                {
                    "genre": genre,
                    "price_band": quartile_band(price, prices),
                    "party_size": sizes[quantity],
                    "channel": channel,
                }[dimension]
            )
    return Counter(values)


@pytest.mark.parametrize("dimension", ["genre", "price_band", "party_size", "channel"])
async def test_evidence_and_lift_are_those_of_a_count_by_hand(tastes, crowd, dimension):
    tenant, venues, people, log = crowd

    for person in people:
        found, _ = await preferences(tastes, tenant, person)
        by_venue = {venue: observed(log, venue, person, dimension) for venue in venues}
        usual = {venue: observed(log, venue, None, dimension) for venue in venues}
        assert told(found[dimension]) == sum(by_venue.values(), Counter())
        for one in found[dimension].preferences:
            expected = sum(
                by_venue[venue].total() * usual[venue][one.value] / usual[venue].total() for venue in venues
            )
            assert one.expected_count == pytest.approx(expected)
            assert one.lift == pytest.approx(one.evidence_count / expected)


async def test_a_grant_limits_evidence_and_comparison_to_its_venues(tastes, crowd):
    tenant, (venue, _), people, log = crowd

    found, _ = await preferences(tastes, tenant, people[0], venues=frozenset({venue}))

    assert told(found["genre"]) == observed(log, venue, people[0], "genre")


async def test_the_latest_purchases_of_a_venue_are_compared_with(database, cache, handler):
    tenant, venue, person, other = (uuid4() for _ in range(4))
    await record(
        handler,
        [
            bought(tenant, venue, person, channel="web", at=NOW - timedelta(days=9)),
            *(
                bought(tenant, venue, other, channel="box_office", at=NOW - timedelta(days=8 - n))
                for n in range(4)
            ),
            bought(tenant, venue, other, channel="app", at=NOW - timedelta(days=731)),
        ],
    )

    recent, _ = await preferences(
        Tastes(database, PeopleReader(database), cache, now=lambda: NOW, most_compared=4), tenant, person
    )

    (web,) = recent["channel"].preferences
    assert (web.evidence_count, web.expected_count, web.lift) == (1, 0, None)


async def test_without_redis_the_answer_is_the_same(database, crowd):
    tenant, _, people, _ = crowd
    away = connect("redis://127.0.0.1:9/0")
    cache = Cache(away, service="customers", key=b"k" * 32)
    found, _ = await preferences(
        Tastes(database, PeopleReader(database), cache, now=lambda: NOW), tenant, people[0]
    )
    await away.aclose()

    assert found["genre"].evidence_count > 0


async def test_strangers_and_other_tenants_people_are_not_known(tastes, crowd):
    tenant, _, people, _ = crowd

    for who, person, venues in (
        (tenant, uuid4(), None),
        (uuid4(), people[0], None),
        (tenant, people[0], frozenset({uuid4()})),
    ):
        with pytest.raises(CustomerNotFound):
            await preferences(tastes, who, person, venues=venues)
