"""Attribution as served: worked cases, refunds after the fact, refusals, and nobody else's campaigns."""

from datetime import timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from tickettoken.common.v1.money_pb2 import Money
from tickettoken.customers.v1 import attribution_pb2, campaigns_pb2

from libs.common.bus.port import Delivery
from services.customers.behavior.consumer import Behavior
from services.customers.behavior.store import BehaviorStore
from tests.customers.marketing import NOON, created
from tests.metrics.serving import bad_fields, eventually_equal, refused
from tests.platform import events as make

TEXTBOOK = [("ABC", True), ("A", False), ("BC", False)]
WORKED = [
    *[("A", True)] * 2,
    *[("A", False)] * 8,
    *[("B", True)],
    *[("B", False)] * 9,
    *[("AB", True)] * 4,
    *[("AB", False)] * 6,
    *[("ABA", True)],
    *[("ABA", False)] * 2,
]


def stamp(days):
    moment = Timestamp()
    moment.FromDatetime(NOON + timedelta(days=days))
    return moment


def eur(amount):
    return Money(amount_minor=amount, currency="EUR")


async def attributed(client, campaign_id, model="", **fields):
    request = attribution_pb2.GetCampaignAttributionRequest(
        campaign_id=str(campaign_id), model=model, **fields
    )
    return await client.campaigns.GetCampaignAttribution(request, metadata=client.metadata)


async def returned(client, campaign_id, **fields):
    request = attribution_pb2.GetCampaignRoiRequest(campaign_id=str(campaign_id), **fields)
    return await client.campaigns.GetCampaignRoi(request, metadata=client.metadata)


async def performed(client, campaign_id, **fields):
    request = attribution_pb2.GetCampaignPerformanceRequest(campaign_id=str(campaign_id), **fields)
    return await client.campaigns.GetCampaignPerformance(request, metadata=client.metadata)


async def channels_of(client, venue_id, start=-40, end=40, **fields):
    request = attribution_pb2.GetChannelPerformanceRequest(
        venue_id=str(venue_id), start_date=stamp(start), end_date=stamp(end), **fields
    )
    return await client.campaigns.GetChannelPerformance(request, metadata=client.metadata)


def conversions(given):
    return {each.channel: each.conversions for each in given}


async def a_campaign(client, marketing, journeys, times=1, **fields):
    """A campaign whose touchpoints all journeys consist of, each so many times."""
    campaign = await created(client, marketing.venue_id, **fields)
    events = [
        event
        for path, buys in journeys * times
        for event in marketing.journey(path, UUID(campaign.campaign_id), buys=buys)
    ]
    Random(4).shuffle(events)
    await marketing.told(*events)
    return campaign


@pytest.mark.parametrize(
    ("journeys", "times", "model", "expected"),
    [
        (TEXTBOOK, 40, "data_driven", {"a": 40 * 0.2, "b": 40 * 0.4, "c": 40 * 0.4}),
        (TEXTBOOK, 40, "shapley", {"a": 40 / 3, "b": 40 / 3, "c": 40 / 3}),
        (WORKED, 10, "data_driven", {"a": 41.718, "b": 38.282}),
        (WORKED, 10, "shapley", {"a": 45, "b": 35}),
        (TEXTBOOK, 1, "first_touch", {"a": 1, "b": 0, "c": 0}),
        (TEXTBOOK, 1, "last_touch", {"a": 0, "b": 0, "c": 1}),
        (TEXTBOOK, 1, "linear", {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}),
        (TEXTBOOK, 1, "position_based", {"a": 0.4, "b": 0.2, "c": 0.4}),
        ([("AB", True)], 1, "position_based", {"a": 0.5, "b": 0.5}),
    ],
)
async def test_worked_cases_come_out(customers_process, marketing, journeys, times, model, expected):
    async with customers_process.client(marketing.tenant_id) as client:
        campaign = await a_campaign(client, marketing, journeys, times)

        found = await attributed(client, campaign.campaign_id, model)

    assert conversions(found.channels) == pytest.approx(expected, abs=5e-4)
    bought = sum(buys for _, buys in journeys) * times
    assert found.journeys.path_count == len(journeys) * times
    assert found.journeys.conversion_count == bought
    assert sum(each.revenue[0].amount_minor for each in found.channels) == 1000 * bought
    assert all(each.low_conversions <= each.conversions <= each.high_conversions for each in found.channels)
    assert not found.other_channels


async def test_the_markov_worked_case_holds_to_four_digits(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        campaign = await a_campaign(client, marketing, WORKED, 5)

        found = await attributed(client, campaign.campaign_id, "data_driven")

    shares = {each.channel: each.conversions / 5 for each in found.channels}
    assert shares == pytest.approx({"a": 4.1718, "b": 3.8282}, abs=5e-5)


async def test_time_decay_halves_every_week(customers_process, marketing):
    customer = uuid4()
    async with customers_process.client(marketing.tenant_id) as client:
        campaign = await created(client, marketing.venue_id)
        own = {"campaign": UUID(campaign.campaign_id), "customer": customer}
        await marketing.told(
            *(marketing.met(f"d{age}", days=20 - age, **own) for age in (14, 7, 0)),
            marketing.bought(customer, days=20, gross=700),
        )

        found = await attributed(client, campaign.campaign_id, "time_decay")

    assert conversions(found.channels) == pytest.approx({"d14": 1 / 7, "d7": 2 / 7, "d0": 4 / 7})
    assert [each.revenue[0].amount_minor for each in found.channels] == [400, 200, 100]


async def test_credit_is_shared_with_what_else_was_met_and_adds_up(customers_process, marketing):
    ann, bob = uuid4(), uuid4()
    async with customers_process.client(marketing.tenant_id) as client:
        campaign = await created(client, marketing.venue_id)
        own = UUID(campaign.campaign_id)
        await marketing.told(
            marketing.met("email", customer=ann, campaign=own),
            marketing.met("search", customer=ann, days=0.5),
            marketing.met("email", customer=ann, days=0.6, campaign=uuid4()),
            marketing.bought(ann, gross=900),
            marketing.bought(bob, gross=50),
        )

        found = await attributed(client, campaign.campaign_id, "linear")

    assert conversions(found.channels) == pytest.approx({"email": 1 / 3})
    assert conversions(found.other_channels) == pytest.approx({"email": 1 / 3, "search": 1 / 3})
    assert list(found.channels[0].revenue) == [eur(300)]
    assert (found.journeys.conversion_count, list(found.journeys.revenue)) == (1, [eur(900)])
    assert found.journeys.unattributed_conversion_count == 1
    assert list(found.journeys.unattributed_revenue) == [eur(50)]


async def test_the_window_is_counted_in_days_before_the_purchase(customers_process, marketing):
    customer = uuid4()
    async with customers_process.client(marketing.tenant_id) as client:
        campaign = await created(client, marketing.venue_id)
        met = marketing.met("email", customer=customer, campaign=UUID(campaign.campaign_id))
        await marketing.told(met, marketing.bought(customer, days=30))

        answers = [await attributed(client, campaign.campaign_id, window_days=days) for days in (30, 31)]

    assert [answer.journeys.conversion_count for answer in answers] == [0, 1]
    assert [answer.window_days for answer in answers] == [30, 31]
    assert answers[0].period.start_time == stamp(0)
    assert answers[0].model == "last_touch"


async def test_a_refund_after_the_fact_restates_what_was_answered(customers_process, marketing):
    customer = uuid4()
    async with customers_process.client(marketing.tenant_id) as client:
        campaign = await created(client, marketing.venue_id)
        sale = marketing.bought(customer, gross=1000)
        order_id = sale.order_completed.order_id
        met = marketing.met("email", customer=customer, campaign=UUID(campaign.campaign_id))
        await marketing.told(met, sale)

        async def revenue():
            answer = await attributed(client, campaign.campaign_id)
            return [
                (each.conversions, each.revenue[0].amount_minor) for each in answer.channels if each.revenue
            ]

        before = await revenue()
        refund = make.order_refunded(marketing.tenant_id, marketing.venue_id, order_id, amount=400)
        await marketing.told(refund)
        was_restated = await eventually_equal(revenue, [(1.0, 600)])
        rest = make.order_refunded(marketing.tenant_id, marketing.venue_id, order_id, amount=600)
        await marketing.told(rest)
        was_taken_back = await eventually_equal(revenue, [])

    assert before == [(1.0, 1000)]
    assert was_restated
    assert was_taken_back


async def test_return_is_what_margin_leaves_over_spend(customers_process, marketing):
    customer = uuid4()
    async with customers_process.client(marketing.tenant_id) as client:
        campaign = await created(client, marketing.venue_id)
        own = UUID(campaign.campaign_id)
        await marketing.told(
            marketing.met("email", customer=customer, campaign=own, cost=30),
            marketing.met("email", days=0.5, campaign=own, cost=5, currency="CHF"),
            marketing.bought(customer, gross=1000),
        )
        without = await returned(client, own)
        request = campaigns_pb2.UpdateCampaignRequest(
            campaign_id=str(own), spend=eur(170), etag=campaign.etag
        )
        await client.campaigns.UpdateCampaign(request, metadata=client.metadata)
        found = await returned(client, own, margin_ratio=0.4)

    franc, euro = found.returns
    assert (euro.revenue, euro.stated_spend, euro.touchpoint_costs, euro.spend) == tuple(
        map(eur, (1000, 170, 30, 200))
    )
    assert euro.roi_ratio == pytest.approx((1000 * 0.4 - 200) / 200)
    assert euro.cost_per_conversion == eur(200)
    assert (franc.currency, franc.roi_ratio, found.conversions) == ("CHF", -1.0, 1.0)
    assert without.margin_ratio == 1.0
    assert without.returns[1].roi_ratio == pytest.approx((1000 - 30) / 30)


async def test_without_spend_there_is_no_return_and_no_cost(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        campaign = await a_campaign(client, marketing, [("A", True)])

        found = await returned(client, campaign.campaign_id)

    (euro,) = found.returns
    assert euro.revenue == eur(1000)
    assert not euro.HasField("roi_ratio")
    assert not euro.HasField("cost_per_conversion")


async def test_performance_counts_by_day_of_the_venues_zone(customers_process, marketing):
    ann, bob = uuid4(), uuid4()
    await marketing.opened(time_zone="Europe/Berlin", at=NOON, version=2)
    async with customers_process.client(marketing.tenant_id) as client:
        campaign = await created(client, marketing.venue_id)
        own = UUID(campaign.campaign_id)
        # Clocks go forward on 29 March 2026: that day in Berlin is 28 March 23:00 to 29 March 22:00 UTC.
        await marketing.told(
            marketing.met("email", days=27 + 11 / 24, campaign=own, customer=ann, kind="impression", cost=10),
            marketing.met("email", days=28 + 9.99 / 24, campaign=own, customer=ann, cost=20),
            marketing.met("email", days=28 + 10 / 24, campaign=own, customer=bob),
            marketing.met("social", days=28, customer=bob, cost=1000),
            marketing.bought(ann, days=28.5, gross=501),
            marketing.bought(bob, days=28.6, gross=500),
        )

        found = await performed(client, campaign.campaign_id)
        part = await performed(
            client, campaign.campaign_id, start_date=stamp(28 + 10 / 24), end_date=stamp(29)
        )

    assert found.time_zone == "Europe/Berlin"
    total = found.total
    assert (total.reach_count, total.impression_count, total.click_count) == (2, 1, 2)
    assert total.conversion_count == 2
    assert (list(total.revenue), list(total.costs)) == ([eur(1001)], [eur(30)])
    assert list(total.costs_per_conversion) == [eur(15)]
    assert [
        (each.day, each.figures.reach_count, each.figures.click_count, each.figures.conversion_count)
        for each in found.days
    ] == [("2026-03-29", 1, 1, 0), ("2026-03-30", 1, 1, 2)]
    assert (part.total.reach_count, part.total.conversion_count) == (1, 2)


async def test_stated_spend_is_in_the_costs_of_the_whole_campaign_only(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        campaign = await a_campaign(client, marketing, [("A", True)])
        request = campaigns_pb2.UpdateCampaignRequest(
            campaign_id=campaign.campaign_id, spend=eur(70), etag=campaign.etag
        )
        await client.campaigns.UpdateCampaign(request, metadata=client.metadata)

        whole = await performed(client, campaign.campaign_id)
        part = await performed(client, campaign.campaign_id, end_date=stamp(2))

    assert list(whole.total.costs) == [eur(70)]
    assert list(whole.total.costs_per_conversion) == [eur(70)]
    assert (list(part.total.costs), part.stated_spend) == ([], eur(70))


async def test_a_campaign_that_nobody_met_has_nothing_to_show(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        campaign = await created(client, marketing.venue_id)

        credit = await attributed(client, campaign.campaign_id)
        figures = await performed(client, campaign.campaign_id)
        earned = await returned(client, campaign.campaign_id)

    assert not credit.HasField("period")
    assert not credit.HasField("as_of")
    assert not figures.HasField("window")
    assert (list(credit.channels), list(figures.days), figures.total.reach_count) == ([], [], 0)
    assert not earned.returns


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


async def test_too_few_paths_for_a_data_driven_model_are_refused(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        campaign = await a_campaign(client, marketing, TEXTBOOK, 33)
        campaign_id, venue_id = campaign.campaign_id, marketing.venue_id

        for call in (
            attributed(client, campaign_id, "data_driven"),
            attributed(client, campaign_id, "shapley"),
            returned(client, campaign_id, model="shapley"),
            channels_of(client, venue_id, model="data_driven"),
        ):
            assert await refused(call) == ("FAILED_PRECONDITION", "TOO_FEW_PATHS")


async def test_bad_fields_are_named(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        campaign_id = (await created(client, marketing.venue_id)).campaign_id

        assert await bad_fields(attributed(client, campaign_id, "magic")) == ["model"]
        assert await bad_fields(attributed(client, campaign_id, window_days=0)) == ["windowDays"]
        assert await bad_fields(attributed(client, campaign_id, window_days=366)) == ["windowDays"]
        assert await bad_fields(returned(client, campaign_id, margin_ratio=1.5)) == ["marginRatio"]
        assert await bad_fields(returned(client, campaign_id, margin_ratio=0)) == ["marginRatio"]
        assert await bad_fields(performed(client, campaign_id, start_date=stamp(1), end_date=stamp(1))) == [
            "endDate"
        ]
        assert await bad_fields(channels_of(client, marketing.venue_id, start=2, end=2)) == ["endDate"]
        assert await refused(performed(client, campaign_id, start_date=stamp(0), end_date=stamp(3000))) == (
            "INVALID_ARGUMENT",
            "WINDOW_TOO_WIDE",
        )


async def test_other_tenants_and_ungranted_venues_have_no_such_campaign(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        campaign = await a_campaign(client, marketing, [("A", True)])
    strangers = (
        customers_process.client(uuid4()),
        customers_process.client(marketing.tenant_id, venue_ids=[uuid4()]),
    )
    for stranger in strangers:
        async with stranger as client:
            for call in (attributed, returned, performed):
                assert await refused(call(client, campaign.campaign_id)) == (
                    "NOT_FOUND",
                    "CAMPAIGN_NOT_FOUND",
                )
            assert await refused(channels_of(client, marketing.venue_id)) == ("NOT_FOUND", "VENUE_NOT_FOUND")


async def test_one_tenants_touchpoints_are_in_nobody_elses_figures(customers_process, marketing):
    other = uuid4()
    await marketing.told(marketing.met("email", customer=uuid4()))
    stolen = make.campaign_touchpoint(other, marketing.venue_id, channel="theirs", customer=uuid4())
    await marketing.told(stolen)

    async with customers_process.client(marketing.tenant_id) as client:
        found = await channels_of(client, marketing.venue_id)

    assert [each.channel for each in found.channels] == ["email"]
