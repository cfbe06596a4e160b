"""The secondary market equals a naive recomputation, whatever the order in which its events arrive."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.common.buckets import Window
from libs.common.bus.port import DONE, Delivery
from libs.common.context import TenantScope
from libs.common.errors import VenueNotFound
from services.metrics.errors import EventNotFound
from services.metrics.marketplace.activity import Marketplace
from tests.metrics.marketplace.conftest import market
from tests.metrics.platform import oracle_marketplace as oracle
from tests.metrics.read_models.test_read_models import deliver
from tests.platform import events as make
from tests.platform.events import NOON

DAYS = (NOON, NOON + timedelta(days=30))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
def marketplace(database, venues):
    return Marketplace(database, venues)


@pytest.fixture
def hall():
    """A tenant, its venue and a show."""
    return uuid4(), uuid4(), uuid4()


async def ask(marketplace, scope, window=DAYS, *, venue=None, show=None):
    return await marketplace.activity(scope, Window(*window), venue_id=venue, event_id=show)


def figures_of(activity):
    """The answer as the oracle puts it."""
    entries = [(None, figures) for figures in activity.totals]
    entries += [(str(show.event_id), show.figures) for show in activity.shows]
    return {
        (show, own.currency): {
            "new_listing_count": own.new_listing_count,
            "active_listing_count": own.active_listing_count,
            "resale_count": own.resale_count,
            "resale_minor": own.resale_minor,
            "average_minor": own.average_resale_minor,
            "royalty_minor": own.royalty_minor,
            "median_resale_ratio": own.median_resale_ratio,
            "median_listing_ratio": own.median_listing_ratio,
            "above_face_ratio": own.above_face_ratio,
        }
        for show, own in entries
    }


def assert_same(found, expected):
    assert {key: rounded(figures) for key, figures in found.items()} == {
        key: rounded(figures) for key, figures in expected.items()
    }


def rounded(figures):
    """Medians interpolate in another order of operations: they agree but for the last bit."""
    return {name: round(value, 12) if isinstance(value, float) else value for name, value in figures.items()}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_shuffled_repeated_and_concurrent_events_add_up(handler, marketplace, seed):
    made = market(seed)
    scope, chance = TenantScope(made.tenant_id), random.Random(seed)

    await deliver(handler, made.arrivals(seed), seed)
    await deliver(handler, made.arrivals(seed + 100), seed)

    for _ in range(12):
        end = NOON + timedelta(seconds=chance.randrange(20 * 86_400), microseconds=chance.randrange(10**6))
        window = (end - timedelta(hours=chance.choice([1, 30, 300])), end)
        venue, show = chance.choice([None, *made.venues]), chance.choice(list(made.shows))
        at_venues = None if venue is None else [venue]
        assert_same(
            figures_of(await ask(marketplace, scope, window, venue=venue)),
            oracle.market(made.log, *window, venues=at_venues),
        )
        of_show = await ask(marketplace, scope, window, show=show)
        assert_same(figures_of(of_show), oracle.market(made.log, *window, show=show))
        everything = await ask(marketplace, scope, window)
        assert everything.as_of == oracle.newest(made.log, end)


@pytest.mark.parametrize("seed", [4, 5])
async def test_every_instant_of_the_past_keeps_what_was_for_sale_then(handler, marketplace, seed):
    made = market(seed, listings=20)
    await deliver(handler, made.arrivals(seed), seed)
    instants = sorted({event.occurred_at.ToMicroseconds() for event in made.log})

    for instant in instants:
        for offset in (0, 1):
            end = EPOCH + timedelta(microseconds=instant + offset)
            window = (end - timedelta(hours=1), end)
            answer = await ask(marketplace, TenantScope(made.tenant_id), window)
            assert_same(figures_of(answer), oracle.market(made.log, *window))


async def test_a_new_price_is_no_new_listing(handler, marketplace, hall):
    tenant, venue, show = hall
    listing = uuid4()
    offers = [
        make.ticket_listed(tenant, venue, listing, show=show, price=6_000, face_value=4_000),
        make.ticket_listed(
            tenant,
            venue,
            listing,
            show=show,
            price=5_000,
            face_value=4_000,
            version=1,
            at=NOON + timedelta(hours=1),
        ),
    ]

    await deliver(handler, offers)

    (before,) = (await ask(marketplace, TenantScope(tenant), (NOON, NOON + timedelta(hours=1)))).totals
    (after,) = (await ask(marketplace, TenantScope(tenant))).totals
    assert (before.new_listing_count, before.active_listing_count, before.median_listing_ratio) == (1, 1, 1.5)
    assert (after.new_listing_count, after.active_listing_count, after.median_listing_ratio) == (1, 1, 1.25)


async def test_a_withdrawn_listing_that_is_offered_again_is_for_sale_again(handler, marketplace, hall):
    tenant, venue, show = hall
    listing = uuid4()
    steps = ["active", "withdrawn", "active"]
    offers = [
        make.ticket_listed(
            tenant, venue, listing, show=show, status=status, version=step, at=NOON + timedelta(hours=step)
        )
        for step, status in enumerate(steps)
    ]

    await deliver(handler, offers[::-1])

    ends = [NOON + timedelta(hours=hours, minutes=30) for hours in range(3)]
    found = [(await ask(marketplace, TenantScope(tenant), (NOON, end))).totals[0] for end in ends]
    assert [figures.active_listing_count for figures in found] == [1, 0, 1]
    assert [figures.new_listing_count for figures in found] == [1, 1, 1]


async def test_a_resale_that_arrives_before_its_listing_closes_it(handler, marketplace, hall):
    tenant, venue, show = hall
    listing = uuid4()
    resale = make.ticket_resold(tenant, venue, show=show, listing=listing, at=NOON + timedelta(hours=2))
    offer = make.ticket_listed(tenant, venue, listing, show=show)

    await deliver(handler, [resale])
    alone = await ask(marketplace, TenantScope(tenant))
    await deliver(handler, [offer])

    before = await ask(marketplace, TenantScope(tenant), (NOON, NOON + timedelta(hours=2)))
    after = await ask(marketplace, TenantScope(tenant))
    assert [(one.new_listing_count, one.resale_count) for one in alone.totals] == [(0, 1)]
    assert [(one.active_listing_count, one.resale_count) for one in before.totals] == [(1, 0)]
    assert [(one.active_listing_count, one.resale_count) for one in after.totals] == [(0, 1)]


async def test_a_listing_and_its_resale_recorded_at_the_same_time_find_each_other(handler, as_admin, hall):
    tenant, venue, show = hall
    pairs = [
        (
            make.ticket_listed(tenant, venue, listing, show=show),
            make.ticket_resold(tenant, venue, show=show, listing=listing, at=NOON + timedelta(minutes=1)),
        )
        for listing in (uuid4() for _ in range(30))
    ]
    offers, resales = [[one[side] for one in pairs] for side in (0, 1)]

    settled = await asyncio.gather(
        *(handler([Delivery(one, 1) for one in side]) for side in (offers, resales))
    )
    assert all(settlement == DONE for side in settled for settlement in side)

    open_count = await as_admin.fetchval(
        "select count(*) from listings where tenant_id = $1 and (closed_at is null or status is null)", tenant
    )
    spans = await as_admin.fetchval("select count(*) from listing_spans where tenant_id = $1", tenant)
    assert (open_count, spans) == (0, 30)


async def test_currencies_are_never_added(handler, marketplace, hall):
    tenant, venue, show = hall
    resales = [
        make.ticket_resold(tenant, venue, show=show, price=price, royalty=10, currency=currency)
        for price, currency in ((1_000, "EUR"), (2_000, "EUR"), (7_000, "JPY"))
    ]

    await deliver(handler, resales)

    totals = (await ask(marketplace, TenantScope(tenant))).totals
    assert [(one.currency, one.resale_count, one.resale_minor, one.royalty_minor) for one in totals] == [
        ("EUR", 2, 3_000, 20),
        ("JPY", 1, 7_000, 10),
    ]


async def test_unknown_face_values_stay_out_of_every_ratio(handler, marketplace, hall):
    tenant, venue, show = hall
    facts = [
        make.ticket_resold(tenant, venue, show=show, price=9_000),
        make.ticket_resold(tenant, venue, show=show, price=9_000, face_value=0),
        make.ticket_listed(tenant, venue, show=show, price=9_000),
    ]

    await deliver(handler, facts)
    (unknown,) = (await ask(marketplace, TenantScope(tenant))).totals
    await deliver(handler, [make.ticket_resold(tenant, venue, show=show, price=3_000, face_value=4_000)])

    (known,) = (await ask(marketplace, TenantScope(tenant))).totals
    assert unknown.median_resale_ratio is unknown.median_listing_ratio is unknown.above_face_ratio is None
    assert (known.median_resale_ratio, known.above_face_ratio) == (0.75, 0.0)


async def test_a_window_begins_with_its_first_instant_and_ends_before_its_last(handler, marketplace, hall):
    tenant, venue, show = hall
    edges = (NOON, NOON + timedelta(hours=1))
    facts = [make.ticket_resold(tenant, venue, show=show, at=at) for at in edges]
    facts += [make.ticket_listed(tenant, venue, show=show, at=at) for at in edges]

    await deliver(handler, facts)

    (own,) = (await ask(marketplace, TenantScope(tenant), edges)).totals
    assert (own.new_listing_count, own.active_listing_count, own.resale_count) == (1, 1, 1)


async def test_without_a_fact_there_is_nothing_and_no_as_of(marketplace):
    answer = await ask(marketplace, TenantScope(uuid4()))

    assert (answer.totals, answer.shows, answer.as_of) == ((), (), None)


async def test_at_most_500_shows_are_told_the_largest_amount_first(handler, marketplace, hall):
    tenant, venue, _ = hall
    prices = list(range(1_000, 1_520))
    random.Random(7).shuffle(prices)
    await deliver(handler, [make.ticket_resold(tenant, venue, show=uuid4(), price=price) for price in prices])

    answer = await ask(marketplace, TenantScope(tenant))

    assert [show.figures.resale_minor for show in answer.shows] == list(range(1_519, 1_019, -1))
    assert answer.totals[0].resale_count == 520


async def test_a_venue_grant_limits_the_answer(handler, marketplace):
    made = market(6)
    await deliver(handler, made.arrivals(6))
    granted = TenantScope(made.tenant_id, frozenset(made.venues[:1]))
    elsewhere = next(show for show, venue in made.shows.items() if venue == made.venues[1])

    answer = await ask(marketplace, granted)

    assert_same(figures_of(answer), oracle.market(made.log, *DAYS, venues=made.venues[:1]))
    with pytest.raises(VenueNotFound):
        await ask(marketplace, granted, venue=made.venues[1])
    with pytest.raises(EventNotFound):
        await ask(marketplace, granted, show=elsewhere)


async def test_another_tenants_market_is_not_there(handler, marketplace, hall):
    tenant, venue, show = hall
    await deliver(handler, [make.ticket_resold(tenant, venue, show=show)])
    stranger = TenantScope(uuid4())

    assert (await ask(marketplace, stranger)).totals == ()
    with pytest.raises(EventNotFound):
        await ask(marketplace, stranger, show=show)
    with pytest.raises(VenueNotFound):
        await ask(marketplace, stranger, venue=venue)
