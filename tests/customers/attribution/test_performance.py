"""What a campaign reached, cost and earned, as served."""

from uuid import UUID, uuid4

import pytest
from tickettoken.customers.v1 import campaigns_pb2

from tests.customers.attribution.asking import a_campaign, attributed, eur, performed, returned, stamp
from tests.customers.marketing import NOON, created


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
