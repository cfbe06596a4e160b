"""Channels of a venue as served, and whose the touchpoints of a session are."""

from datetime import timedelta
from uuid import uuid4

from libs.common.bus.port import Delivery
from services.customers.behavior.consumer import Behavior
from services.customers.behavior.store import BehaviorStore
from tests.customers.attribution.asking import channels_of, conversions, eur
from tests.customers.marketing import NOON
from tests.platform import events as make


async def test_channels_of_a_venue_have_their_credit_and_their_costs(customers_process, marketing):
    ann, bob = uuid4(), uuid4()
    async with customers_process.client(marketing.tenant_id) as client:
        await marketing.told(
            marketing.met("email", customer=ann, campaign=uuid4(), cost=50, kind="open"),
            marketing.met("search", customer=ann, days=0.5),
            marketing.met("search", customer=bob, days=0.5, cost=9),
            marketing.met("visit_only", days=35, session_id="s", kind="visit"),
            marketing.bought(ann, gross=900),
            marketing.bought(uuid4(), gross=1),
        )

        found = await channels_of(client, marketing.venue_id, model="position_based")
        later = await channels_of(client, marketing.venue_id, start=0.9)

    email, search, visits = found.channels
    assert (email.channel, email.credit.conversions, list(email.credit.revenue)) == ("email", 0.5, [eur(450)])
    assert (email.open_count, list(email.costs), list(email.costs_per_conversion)) == (
        1,
        [eur(50)],
        [eur(100)],
    )
    assert (search.click_count, search.reach_count, list(search.costs)) == (2, 2, [eur(9)])
    assert (visits.visit_count, visits.reach_count, visits.credit.conversions) == (1, 1, 0)
    assert (found.journeys.conversion_count, found.journeys.unattributed_conversion_count) == (1, 1)
    assert (found.model, found.window_days) == ("position_based", 30)
    assert {each.channel: each.click_count for each in later.channels} == {
        "search": 0,
        "email": 0,
        "visit_only": 0,
    }
    assert later.channels[0].credit.conversions == 1


async def test_a_purchase_tells_whose_the_sessions_touchpoints_were(customers_process, marketing):
    customer = uuid4()
    async with customers_process.client(marketing.tenant_id) as client:
        await marketing.told(
            marketing.met("social", session_id="s1"), marketing.bought(customer, session_id="s1")
        )

        found = await channels_of(client, marketing.venue_id)

    assert conversions(each.credit for each in found.channels) == {"social": 1.0}


async def test_who_signed_in_during_a_session_met_its_touchpoints(
    customers_process, marketing, mongo, hiding
):
    customer = uuid4()
    store = BehaviorStore(mongo, kept=timedelta(days=400))
    viewed = make.page_viewed(marketing.tenant_id, marketing.venue_id, "s2", at=NOON + timedelta(hours=1))
    viewed.page_viewed.customer_id = str(customer)
    await Behavior(store, hiding).handler()([Delivery(viewed, 1)])
    async with customers_process.client(marketing.tenant_id) as client:
        await marketing.told(marketing.met("social", session_id="s2"), marketing.bought(customer))

        found = await channels_of(client, marketing.venue_id)

    assert conversions(each.credit for each in found.channels) == {"social": 1.0}


async def test_one_tenants_touchpoints_are_in_nobody_elses_figures(customers_process, marketing):
    other = uuid4()
    await marketing.told(marketing.met("email", customer=uuid4()))
    stolen = make.campaign_touchpoint(other, marketing.venue_id, channel="theirs", customer=uuid4())
    await marketing.told(stolen)

    async with customers_process.client(marketing.tenant_id) as client:
        found = await channels_of(client, marketing.venue_id)

    assert [each.channel for each in found.channels] == ["email"]
