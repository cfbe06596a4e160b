"""Questions about attribution that are refused, each with its reason."""

from uuid import uuid4

from tests.customers.attribution.asking import (
    TEXTBOOK,
    a_campaign,
    attributed,
    channels_of,
    performed,
    returned,
    stamp,
)
from tests.customers.marketing import created
from tests.metrics.serving import bad_fields, refused


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
