"""Credit of a campaign's channels as served: worked cases, windows, and refunds after the fact."""

from uuid import UUID, uuid4

import pytest

from tests.customers.attribution.asking import TEXTBOOK, a_campaign, attributed, conversions, eur, stamp
from tests.customers.marketing import created
from tests.metrics.serving import eventually_equal
from tests.platform import events as make

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
