"""Documents of campaigns follow their command rows, whatever comes between."""

import asyncio
from uuid import UUID, uuid4

import pytest
from pymongo import AsyncMongoClient
from tickettoken.customers.v1 import attribution_pb2

from libs.common.bus.consumer import service_caller
from libs.common.context import TenantScope, acting_as
from libs.common.jobs.queue import Grant, Run
from libs.common.money import Money as Amount
from services.customers.campaigns.documents import CampaignDocuments
from services.customers.campaigns.following import Following
from services.customers.campaigns.store import save_campaign
from tests.customers.campaigns.asking import EARLY, END, START, a_state, listed, read, updated
from tests.customers.marketing import created
from tests.metrics.serving import eventually_equal, refused


async def channels_of(client, venue_id):
    request = attribution_pb2.GetChannelPerformanceRequest(
        venue_id=str(venue_id), start_date=START, end_date=END
    )
    return await client.campaigns.GetChannelPerformance(request, metadata=client.metadata)


async def test_documents_commute_whatever_state_is_written_last(mongo):
    documents = CampaignDocuments(mongo)
    first = a_state()
    second = first.changed({"name": "Summer", "spend": Amount(3, "EUR")}, at=EARLY)
    with acting_as(service_caller("customers", uuid4())):
        await documents.write(second)
        await documents.write(first)
        await documents.write(second)

        assert await documents.get(first.campaign_id) == second


@pytest.mark.usefixtures("working_process")
async def test_a_command_given_while_mongodb_is_away_is_kept_and_its_document_follows(
    customers_process, marketing, mongo_server, mongo_url
):
    async with customers_process.client(marketing.tenant_id) as client:
        before = await created(client, marketing.venue_id, name="Before")
        await asyncio.to_thread(mongo_server.stop)
        try:
            made = await created(client, marketing.venue_id, name="Meanwhile")
            changed = await updated(client, before, name="Changed")
            assert await refused(read(client, made.campaign_id)) == (
                "UNAVAILABLE",
                "DEPENDENCY_UNAVAILABLE",
            )
            assert (await refused(listed(client, marketing.venue_id)))[0] == "UNAVAILABLE"
            assert (await refused(channels_of(client, marketing.venue_id)))[0] == "UNAVAILABLE"
        finally:
            await asyncio.to_thread(mongo_server.start)

        async def names():
            return [each.name for each in (await listed(client, marketing.venue_id)).campaigns]

        assert await eventually_equal(names, ["Meanwhile", "Changed"], within_seconds=60)
        assert await read(client, before.campaign_id) == changed
    mongo = AsyncMongoClient(mongo_url)
    assert await mongo["customers"]["campaigns"].count_documents({"tenant_id": str(marketing.tenant_id)}) == 2
    await mongo.close()


async def test_the_job_writes_the_state_that_the_command_row_has(database, mongo):
    tenant = uuid4()
    scope, campaign = TenantScope(tenant), a_state()
    async with database.transaction(scope) as conn:
        await conn.execute(
            "insert into venues (tenant_id, venue_id) values ($1, $2)", tenant, campaign.venue_id
        )
        await save_campaign(conn, tenant, campaign)
    documents = CampaignDocuments(mongo)
    (job,) = Following(database, documents).jobs()
    run = Run(
        id=uuid4(),
        job=job.name,
        run_key="",
        scheduled_at=EARLY,
        attempt=1,
        arguments={"campaign_id": str(campaign.campaign_id)},
        grant=Grant("service:customers", scope),
        lease_token=uuid4(),
    )
    with acting_as(service_caller("customers", tenant)):
        await job.body(run)
        await job.body(run)

        assert await documents.get(UUID(str(campaign.campaign_id))) == campaign
