"""Journeys hold everything that happened, once, in the order of time, however they are paged."""

from datetime import timedelta
from random import Random
from uuid import uuid4

import pytest
from tickettoken.customers.v1 import journey_pb2
from tickettoken.events.v1 import behavior_pb2

from libs.common.bus.consumer import service_caller
from libs.common.bus.port import Delivery
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope, acting_as
from libs.common.erasure.tombstones import Hiding, Tombstones
from libs.common.errors import DependencyUnavailable, VenueNotFound
from libs.common.mongo import Mongo
from libs.common.paging import PageTokenInvalid, PageTokens
from services.customers.behavior.consumer import Behavior
from services.customers.behavior.reader import BehaviorReader
from services.customers.behavior.store import BehaviorStore
from services.customers.errors import CustomerNotFound
from services.customers.journey.journey import Journeys
from services.customers.journey.mapping import journey_message
from services.customers.journey.sources import Sessions, Touchpoints
from services.customers.people.reader import PeopleReader
from services.customers.touchpoints.consumer import Touchpoints as TouchpointQueue
from services.customers.touchpoints.reader import TouchpointReader
from services.customers.touchpoints.store import TouchpointStore
from tests.customers.people.shoppers import bought, by, moment, record
from tests.platform import events as make

PAGES = PageTokens(b"p" * 32)
KEPT = timedelta(days=400)


def at(hour):
    return make.NOON + timedelta(hours=hour)


def journeys_of(database, mongo):
    sources = [
        Sessions(BehaviorReader(BehaviorStore(mongo, kept=KEPT))),
        Touchpoints(TouchpointReader(TouchpointStore(mongo))),
    ]
    return Journeys(database, Venues(database), PeopleReader(database), PAGES, sources)


@pytest.fixture
def journeys(database, mongo):
    return journeys_of(database, mongo)


@pytest.fixture
async def tell(handler, database, mongo, cache):
    """Brings events to the queues that take them."""
    hiding = Hiding(database, Tombstones(b"t" * 32))
    behavior = Behavior(BehaviorStore(mongo, kept=KEPT), hiding).handler()
    touchpoints = TouchpointQueue(TouchpointStore(mongo), hiding, cache).handler()

    async def tell(events):
        kinds = {"page.viewed": behavior, "cart.updated": behavior, "checkout.started": behavior}
        kinds["campaign.touchpoint"] = touchpoints
        await record(handler, [event for event in events if event.type not in kinds])
        for event in events:
            if event.type in kinds:
                await kinds[event.type]([Delivery(event, 1)])

    return tell


def touched(tenant, venue, person, *, campaign, **envelope):
    touchpoint = behavior_pb2.CampaignTouchpoint(
        campaign_id=str(campaign), channel="email", kind="click", session_id="s", customer_id=str(person)
    )
    return make.event(tenant, venue, uuid4(), campaign_touchpoint=touchpoint, **envelope)


async def page_of(journeys, tenant, venue, person, *, venues=None, start=None, end=None, **more):
    request = journey_pb2.GetCustomerJourneyRequest(venue_id=str(venue), customer_id=str(person), **more)
    if start is not None:
        request.start_date.FromDatetime(start)
    if end is not None:
        request.end_date.FromDatetime(end)
    with acting_as(service_caller("customers", tenant)):
        return journey_message(await journeys.page(TenantScope(tenant, venues), request))


def told(answer):
    return [(moment(entry.time), entry.kind, entry.id) for entry in answer.entries]


async def test_a_journey_tells_what_was_met_done_bought_and_visited(journeys, tell):
    tenant, venue, show, person, friend, order, refund, campaign, ticket = (uuid4() for _ in range(9))
    passed = make.ticket_transferred(tenant, venue, uuid4(), show=show, at=at(6))
    sent = by(by(passed, person, "from_customer_id"), friend, "to_customer_id")
    got = by(make.ticket_transferred(tenant, venue, uuid4(), show=show, at=at(7)), person, "to_customer_id")
    entered = by(make.ticket_scanned(tenant, venue, ticket, show=show, order=order, at=at(8)), person)
    await tell(
        [
            make.event_created(tenant, venue, show, name="Premiere", at=at(-1)),
            touched(tenant, venue, person, campaign=campaign, at=at(0)),
            by(make.page_viewed(tenant, venue, "s", page="/premiere", show=show, at=at(1)), person),
            by(make.cart_updated(tenant, venue, "s", shows=[show], at=at(2)), person),
            bought(tenant, venue, person, order, lines=[(3, 1_000)], show=show, session_id="s", at=at(3)),
            make.order_refunded(
                tenant, venue, order, refund_id=refund, amount=1_000, lines=[(1, None, show)], at=at(4)
            ),
            sent,
            got,
            entered,
            make.order_cancelled(tenant, venue, order, at=at(9)),
        ]
    )

    answer = await page_of(journeys, tenant, venue, person)

    cancelled, admission, received, gave, returned, sale, session, touch = answer.entries
    assert [entry.kind for entry in answer.entries] == [
        "order_cancelled",
        "admission",
        "ticket_received",
        "ticket_sent",
        "refund",
        "order",
        "session",
        "touchpoint",
    ]
    assert [moment(entry.time) for entry in answer.entries] == [at(h) for h in (9, 8, 7, 6, 4, 3, 1, 0)]
    assert {cancelled.order_id, admission.order_id, returned.order_id, sale.order_id} == {str(order)}
    assert (admission.id, received.id, gave.id) == (str(ticket), got.event_id, sent.event_id)
    assert (returned.id, returned.ticket_count, returned.amount.amount_minor) == (str(refund), 1, 1_000)
    assert (sale.ticket_count, sale.amount.amount_minor, sale.amount.currency) == (3, 3_000, "EUR")
    assert (sale.session_id, sale.channel, sale.event_name) == ("s", "web", "Premiere")
    assert [step.kind for step in session.session.steps] == ["page", "cart"]
    assert session.session.steps[0].page == "/premiere"
    assert moment(session.session.last_seen_time) == at(2)
    assert (touch.channel, touch.action, touch.campaign_id) == ("email", "click", str(campaign))
    assert (touch.session_id, session.session_id) == ("s", "s")
    assert moment(answer.as_of) == at(9)


@pytest.fixture
async def busy(tell):
    """Somebody who did many things, some at one instant: tenant, venue, person, and what to expect."""
    random = Random(3)
    tenant, venue, person = uuid4(), uuid4(), uuid4()
    events, expected = [], []
    for number in range(40):
        when, kind = at(random.randint(0, 12)), number % 4
        if kind == 0:
            order = uuid4()
            events.append(bought(tenant, venue, person, order, at=when))
            expected.append((when, "order", str(order)))
        elif kind == 1:
            ticket = uuid4()
            events.append(by(make.ticket_scanned(tenant, venue, ticket, show=uuid4(), at=when), person))
            expected.append((when, "admission", str(ticket)))
        elif kind == 2:
            events.append(by(make.page_viewed(tenant, venue, f"s{number}", at=when), person))
            expected.append((when, "session", f"s{number}"))
        else:
            touch = touched(tenant, venue, person, campaign=uuid4(), at=when)
            events.append(touch)
            expected.append((when, "touchpoint", touch.entity_id))
    random.shuffle(events)
    await tell(events)
    return tenant, venue, person, expected


async def everything(journeys, tenant, venue, person, *, between_pages=None, **more):
    shown, token = [], ""
    while True:
        answer = await page_of(journeys, tenant, venue, person, page_token=token, **more)
        shown += told(answer)
        token = answer.next_page_token
        if not token:
            return shown
        if between_pages is not None:
            await between_pages()


@pytest.mark.parametrize("size", [1, 3, 7, 39, 40, 41])
async def test_pages_of_any_size_hold_every_entry_once_the_latest_first(journeys, busy, size):
    tenant, venue, person, expected = busy

    shown = await everything(journeys, tenant, venue, person, page_size=size)

    assert sorted(shown) == sorted(expected)
    assert [when for when, *_ in shown] == sorted((when for when, *_ in expected), reverse=True)
    assert shown == told(await page_of(journeys, tenant, venue, person, page_size=1000))


async def test_pages_stay_as_they_were_while_newer_facts_arrive(journeys, busy, tell):
    tenant, venue, person, expected = busy

    async def go_on():
        later = make.NOON + timedelta(days=30)
        await tell(
            [
                bought(tenant, venue, person, at=later),
                by(make.page_viewed(tenant, venue, str(uuid4()), at=later), person),
                touched(tenant, venue, person, campaign=uuid4(), at=later),
            ]
        )

    shown = await everything(journeys, tenant, venue, person, page_size=9, between_pages=go_on)

    assert sorted(shown) == sorted(expected)


@pytest.mark.parametrize(("start", "end"), [(None, 6), (6, None), (3, 9), (100, None)])
async def test_a_window_is_half_open_and_cuts_all_kinds_alike(journeys, busy, start, end):
    tenant, venue, person, expected = busy
    first = make.NOON - timedelta(days=1) if start is None else at(start)
    last = make.NOON + timedelta(days=1) if end is None else at(end)

    shown = await everything(
        journeys,
        tenant,
        venue,
        person,
        start=None if start is None else first,
        end=None if end is None else last,
        page_size=4,
    )

    assert sorted(shown) == sorted(entry for entry in expected if first <= entry[0] < last)


async def test_what_happened_at_another_venue_is_not_told(journeys, busy, tell):
    tenant, venue, person, expected = busy
    other = uuid4()
    await tell(
        [
            bought(tenant, other, person, at=at(0)),
            by(make.page_viewed(tenant, other, "s", at=at(0)), person),
            touched(tenant, other, person, campaign=uuid4(), at=at(0)),
        ]
    )

    assert len(told(await page_of(journeys, tenant, venue, person))) == len(expected)
    assert len(told(await page_of(journeys, tenant, other, person))) == 3


async def test_other_tenants_grants_and_strangers_are_refused(journeys, busy):
    tenant, venue, person, _ = busy

    with pytest.raises(VenueNotFound):
        await page_of(journeys, uuid4(), venue, person)
    with pytest.raises(VenueNotFound):
        await page_of(journeys, tenant, venue, person, venues=frozenset({uuid4()}))
    with pytest.raises(CustomerNotFound):
        await page_of(journeys, tenant, venue, uuid4())


async def test_a_token_of_another_question_is_refused(journeys, busy):
    tenant, venue, person, _ = busy
    token = (await page_of(journeys, tenant, venue, person, page_size=1)).next_page_token

    with pytest.raises(PageTokenInvalid):
        await page_of(journeys, tenant, venue, person, start=at(0), page_token=token)


async def test_without_mongodb_a_journey_is_refused_rather_than_told_in_part(database, busy):
    tenant, venue, person, _ = busy
    away = Mongo.connect(
        "mongodb://127.0.0.1:9/", database="customers", application_name="tests", timeout_seconds=0.2
    )
    try:
        with pytest.raises(DependencyUnavailable):
            await page_of(journeys_of(database, away), tenant, venue, person)
    finally:
        await away.close()
