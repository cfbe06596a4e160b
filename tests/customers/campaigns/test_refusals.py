"""Commands and questions about campaigns that are refused, each with its reason."""

from uuid import uuid4

from tests.customers.campaigns.asking import END, START, eur, listed, read, updated
from tests.customers.marketing import created
from tests.metrics.serving import bad_fields, refused


async def test_bad_fields_are_named(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        venue_id = marketing.venue_id
        made = await created(client, venue_id, budget=eur(1), start_date=START)

        assert await bad_fields(created(client, venue_id, name="")) == ["name"]
        assert await bad_fields(created(client, venue_id, channel="Not A Slug")) == ["channel"]
        assert await bad_fields(created(client, venue_id, type="pigeon")) == ["type"]
        assert await bad_fields(created(client, venue_id, budget=eur(-1))) == ["budget"]
        assert await bad_fields(created(client, venue_id, start_date=END, end_date=START)) == ["endDate"]
        assert await refused(created(client, venue_id, budget=eur(1, "XXX"))) == (
            "INVALID_ARGUMENT",
            "CURRENCY_UNKNOWN",
        )
        assert await bad_fields(updated(client, made, status="gone")) == ["status"]
        assert await bad_fields(updated(client, made, name="")) == ["name"]
        assert await bad_fields(updated(client, made, etag="")) == ["etag"]
        assert await bad_fields(updated(client, made, end_date=START)) == ["endDate"]
        assert await bad_fields(updated(client, made, spend=eur(1, "CHF"))) == ["spend.currency"]
        assert await bad_fields(listed(client, venue_id, status="gone")) == ["status"]


async def test_other_tenants_ungranted_venues_and_readers_cannot_touch_a_campaign(
    customers_process, marketing
):
    async with customers_process.client(marketing.tenant_id) as client:
        made = await created(client, marketing.venue_id)
    missing, unknown = ("NOT_FOUND", "CAMPAIGN_NOT_FOUND"), ("NOT_FOUND", "VENUE_NOT_FOUND")
    strangers = (
        customers_process.client(uuid4()),
        customers_process.client(marketing.tenant_id, venue_ids=[uuid4()]),
    )
    for stranger in strangers:
        async with stranger as client:
            assert await refused(read(client, made.campaign_id)) == missing
            assert await refused(updated(client, made, name="Mine")) == missing
            assert await refused(listed(client, marketing.venue_id)) == unknown
            assert await refused(created(client, marketing.venue_id)) == unknown
    async with customers_process.client(marketing.tenant_id, permissions=["analytics.read"]) as client:
        assert (await refused(updated(client, made, name="Mine")))[0] == "PERMISSION_DENIED"
        assert await read(client, made.campaign_id) == made
    async with customers_process.client(marketing.tenant_id, venue_ids=[marketing.venue_id]) as client:
        assert (await updated(client, made, name="Granted")).name == "Granted"
