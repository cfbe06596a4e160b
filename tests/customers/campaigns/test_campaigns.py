"""Campaigns as served: commands, states, lists, repetitions, refusals, and documents that follow."""

import asyncio
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID, uuid4

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from pymongo import AsyncMongoClient
from tickettoken.common.v1.money_pb2 import Money
from tickettoken.customers.v1 import attribution_pb2, campaigns_pb2

from libs.common.bus import open_bus
from libs.common.bus.consumer import service_caller
from libs.common.bus.port import DONE
from libs.common.context import TenantScope, acting_as
from libs.common.jobs.queue import Grant, Run
from libs.common.money import Money as Amount
from services.customers.campaigns.campaign import Campaign
from services.customers.campaigns.documents import CampaignDocuments
from services.customers.campaigns.following import Following
from services.customers.campaigns.store import save_campaign
from services.customers.errors import StatusNotAllowed
from tests.customers.marketing import created
from tests.metrics.serving import bad_fields, eventually_equal, refused

START, END = Timestamp(seconds=1_772_323_200), Timestamp(seconds=1_775_001_600)
EARLY = datetime(2026, 3, 1, tzinfo=UTC)


def eur(amount, currency="EUR"):
    return Money(amount_minor=amount, currency=currency)


async def read(client, campaign_id):
    request = campaigns_pb2.GetCampaignRequest(campaign_id=str(campaign_id))
    return (await client.campaigns.GetCampaign(request, metadata=client.metadata)).campaign


async def updated(client, campaign, *, metadata=None, **fields):
    request = campaigns_pb2.UpdateCampaignRequest(
        **({"campaign_id": campaign.campaign_id, "etag": campaign.etag} | fields)
    )
    response = await client.campaigns.UpdateCampaign(request, metadata=metadata or client.metadata)
    return response.campaign


async def listed(client, venue_id, **fields):
    request = campaigns_pb2.ListCampaignsRequest(venue_id=str(venue_id), **fields)
    return await client.campaigns.ListCampaigns(request, metadata=client.metadata)


async def channels_of(client, venue_id):
    request = attribution_pb2.GetChannelPerformanceRequest(
        venue_id=str(venue_id), start_date=START, end_date=END
    )
    return await client.campaigns.GetChannelPerformance(request, metadata=client.metadata)


def a_state(**fields):
    return Campaign(
        **{
            "campaign_id": uuid4(),
            "venue_id": uuid4(),
            "name": "Spring",
            "channel": "email",
            "type": "",
            "status": "draft",
            "budget": Amount(5, "EUR"),
            "spend": None,
            "starts_at": EARLY,
            "ends_at": None,
            "created_at": EARLY,
            "updated_at": EARLY,
            "version": 1,
        }
        | fields
    )


async def test_a_campaign_is_created_as_a_draft_and_read_back(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        made = await created(
            client, marketing.venue_id, budget=eur(500_000), start_date=START, end_date=END, type="social"
        )

        assert await read(client, made.campaign_id) == made

    assert (made.name, made.channel, made.type, made.status) == ("Spring", "email", "social", "draft")
    assert (made.budget, made.start_date, made.end_date) == (eur(500_000), START, END)
    assert made.etag
    assert not made.HasField("spend")


async def test_given_fields_are_replaced_and_the_others_stay(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        made = await created(client, marketing.venue_id, budget=eur(10), start_date=START)

        spent = await updated(client, made, spend=eur(0), status="active")
        ended = await updated(client, spent, name="Summer", end_date=END, budget=eur(20))

        assert await read(client, made.campaign_id) == ended
    assert (spent.spend, spent.status, spent.name, spent.budget) == (eur(0), "active", "Spring", eur(10))
    assert (ended.spend, ended.status, ended.name, ended.budget) == (eur(0), "active", "Summer", eur(20))
    assert (ended.start_date, ended.end_date) == (START, END)
    assert len({made.etag, spent.etag, ended.etag}) == 3


async def test_of_two_who_change_one_state_the_second_is_refused(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        made = await created(client, marketing.venue_id)

        outcomes = await asyncio.gather(
            *(updated(client, made, name=name) for name in ("One", "Two")), return_exceptions=True
        )

        (winner,) = [each for each in outcomes if isinstance(each, campaigns_pb2.Campaign)]
        assert (await read(client, made.campaign_id)).name == winner.name
        assert await refused(updated(client, made, name="Three")) == ("ABORTED", "ETAG_MISMATCH")


async def test_a_repeated_command_with_its_key_gives_the_first_answer_and_does_nothing_more(
    customers_process, marketing
):
    async with customers_process.client(marketing.tenant_id) as client:
        request = campaigns_pb2.CreateCampaignRequest(
            venue_id=str(marketing.venue_id), name="Once", channel="email"
        )
        key = client.with_key(str(uuid4()))
        answers = [await client.campaigns.CreateCampaign(request, metadata=key) for _ in range(2)]
        made = answers[0].campaign
        key = client.with_key(str(uuid4()))
        changes = [await updated(client, made, name="Twice", metadata=key) for _ in range(2)]

        assert answers[0] == answers[1]
        assert changes[0] == changes[1]
        assert len((await listed(client, marketing.venue_id)).campaigns) == 1
        assert await refused(updated(client, made, name="Other", metadata=key)) == (
            "INVALID_ARGUMENT",
            "IDEMPOTENCY_KEY_REUSED",
        )


@pytest.mark.parametrize(
    ("before", "after", "is_allowed"),
    [
        ("draft", "draft", True),
        ("draft", "active", True),
        ("draft", "paused", False),
        ("draft", "completed", True),
        ("active", "paused", True),
        ("active", "draft", False),
        ("paused", "active", True),
        ("paused", "completed", True),
        ("completed", "completed", True),
        ("completed", "active", False),
    ],
)
def test_states_follow_each_other_as_documented(before, after, is_allowed):
    campaign = a_state(status=before)

    if is_allowed:
        assert campaign.changed({"status": after}, at=EARLY).status == after
    else:
        with pytest.raises(StatusNotAllowed):
            campaign.changed({"status": after}, at=EARLY)


async def test_a_completed_campaign_does_not_start_again(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        ended = await updated(client, await created(client, marketing.venue_id), status="completed")

        assert await refused(updated(client, ended, status="active")) == (
            "FAILED_PRECONDITION",
            "STATUS_NOT_ALLOWED",
        )


async def test_campaigns_are_listed_newest_first_page_by_page(customers_process, marketing):
    async with customers_process.client(marketing.tenant_id) as client:
        made = [await created(client, marketing.venue_id, name=str(number)) for number in range(5)]
        await created(client, marketing.venue_id, name="other", type="offline")
        active = await updated(client, made[2], status="active")

        names, token = [], ""
        while True:
            page = await listed(client, marketing.venue_id, page_size=4, page_token=token)
            names += [each.name for each in page.campaigns]
            token = page.next_page_token
            if not token:
                break
        offline = await listed(client, marketing.venue_id, type="offline")
        running = await listed(client, marketing.venue_id, status="active")
        first = await listed(client, marketing.venue_id, page_size=1)
        foreign = listed(client, marketing.venue_id, status="draft", page_token=first.next_page_token)

        assert await refused(foreign) == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")
    assert names == ["other", "4", "3", "2", "1", "0"]
    assert [each.name for each in offline.campaigns] == ["other"]
    assert list(running.campaigns) == [active]


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


@pytest.fixture
async def audited(redis_url, marketing):
    """Audit events of the tenant, as they come over the bus."""
    found, queue = {}, f"tests.audit.{uuid4().hex}"

    async def take(deliveries):
        for delivery in deliveries:
            if delivery.event.tenant_id == str(marketing.tenant_id):
                found[delivery.event.event_id] = delivery.event
        return [DONE] * len(deliveries)

    bus = open_bus(redis_url)
    await bus.subscribe(queue, types=("audit.recorded",))
    consumer = bus.consume(queue, types=("audit.recorded",), handler=take, prefetch=10)
    running = asyncio.create_task(consumer.run())
    yield found
    consumer.stop()
    await running
    await bus.unsubscribe(queue)
    await bus.close()


@pytest.mark.usefixtures("working_process")
async def test_every_command_leaves_an_audit_event_with_the_states_before_and_after(
    customers_process, marketing, audited
):
    async with customers_process.client(marketing.tenant_id) as client:
        made = await created(client, marketing.venue_id)
        await updated(client, made, name="Changed")

    async def count():
        return len(audited)

    assert await eventually_equal(count, 2, within_seconds=60)
    events = sorted(audited.values(), key=lambda event: event.occurred_at.ToMicroseconds())
    first, second = [event.audit_recorded for event in events]
    assert (first.action, second.action) == tuple(
        f"customers.v1.CampaignsService/{method}" for method in ("CreateCampaign", "UpdateCampaign")
    )
    assert {first.resource_id, second.resource_id} == {made.campaign_id}
    assert first.before_hash == ""
    assert first.after_hash == second.before_hash != second.after_hash
    assert len(first.after_hash) == len(sha256().hexdigest())
    assert first.actor == second.actor != ""


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
