"""Touchpoints that callers track: safe without MongoDB, once by key, bounded, and refused with reasons."""

import asyncio
from uuid import UUID, uuid4

import pytest
from google.protobuf.struct_pb2 import Struct
from tickettoken.customers.v1 import touchpoints_pb2

from tests.customers.marketing import created
from tests.customers.touchpoints.kept import kept
from tests.metrics.serving import bad_fields, eventually_equal, refused
from tests.platform import events as make


async def tracked(client, venue_id, *, metadata=None, **fields):
    request = touchpoints_pb2.TrackTouchpointRequest(
        **(
            {
                "venue_id": str(venue_id),
                "customer_id": str(uuid4()),
                "channel": "email",
                "action": "click",
            }
            | fields
        )
    )
    return await client.campaigns.TrackTouchpoint(request, metadata=metadata or client.metadata)


def a_struct(**fields):
    struct = Struct()
    struct.update(fields)
    return struct


@pytest.mark.usefixtures("working_process")
async def test_a_tracked_touchpoint_arrives_with_all_that_was_told(customers_process, marketing, collection):
    customer = uuid4()
    async with customers_process.client(marketing.tenant_id) as client:
        campaign = await created(client, marketing.venue_id)
        answer = await tracked(
            client, marketing.venue_id, customer_id=str(customer), campaign=campaign.campaign_id, value=0.0
        )

        async def arrived():
            return [document["id"] for document in await kept(collection, marketing.tenant_id)]

        assert await eventually_equal(arrived, [answer.touchpoint_id])
    (document,) = await kept(collection, marketing.tenant_id)
    assert (document["customer_id"], document["campaign_id"]) == (str(customer), campaign.campaign_id)
    assert (document["kind"], document["value"]) == ("click", 0.0)
    assert document["at_us"] == answer.occurred_time.ToMicroseconds()


@pytest.mark.usefixtures("working_process")
async def test_a_repeated_call_with_its_key_is_one_touchpoint(customers_process, marketing, collection):
    customer = str(uuid4())
    async with customers_process.client(marketing.tenant_id) as client:
        key = client.with_key(str(uuid4()))
        answers = [
            await tracked(client, marketing.venue_id, metadata=key, customer_id=customer) for _ in range(2)
        ]
        last = await tracked(client, marketing.venue_id, customer_id=customer)

        async def arrived():
            return {document["id"] for document in await kept(collection, marketing.tenant_id)}

        assert await eventually_equal(arrived, {answers[0].touchpoint_id, last.touchpoint_id})
    assert answers[0] == answers[1]


@pytest.mark.usefixtures("working_process")
async def test_a_touchpoint_tracked_while_mongodb_is_away_is_answered_and_arrives(
    customers_process, marketing, mongo_server, collection
):
    async with customers_process.client(marketing.tenant_id) as client:
        campaign = await created(client, marketing.venue_id)
        await asyncio.to_thread(mongo_server.stop)
        try:
            answer = await tracked(client, marketing.venue_id, campaign=campaign.campaign_id)
        finally:
            await asyncio.to_thread(mongo_server.start)

    async def arrived():
        return [document["id"] for document in await kept(collection, marketing.tenant_id)]

    assert await eventually_equal(arrived, [answer.touchpoint_id], within_seconds=60)


async def test_bad_fields_and_unknown_campaigns_are_refused(customers_process, marketing):
    venue_id, elsewhere = marketing.venue_id, uuid4()
    await marketing.told(make.venue_updated(marketing.tenant_id, elsewhere))
    async with customers_process.client(marketing.tenant_id) as client:
        foreign = await created(client, elsewhere)

        async def fields(**given):
            return await bad_fields(tracked(client, venue_id, **given))

        assert await fields(customer_id="") == ["customerId"]
        assert await fields(channel="") == ["channel"]
        assert await fields(action="stare") == ["action"]
        assert await fields(value=float("nan")) == ["value"]
        assert await fields(campaign="spring") == ["campaign"]
        for campaign_id in (str(uuid4()), foreign.campaign_id):
            assert await refused(tracked(client, venue_id, campaign=campaign_id)) == (
                "NOT_FOUND",
                "CAMPAIGN_NOT_FOUND",
            )


@pytest.mark.parametrize("text", ["x" * 4_086, "x" * 20_000])
async def test_metadata_is_bounded(customers_process, marketing, text):
    request = touchpoints_pb2.TrackTouchpointRequest(
        venue_id=str(marketing.venue_id),
        customer_id=str(uuid4()),
        channel="email",
        action="click",
        metadata=a_struct(text=text),
    )
    fitting = touchpoints_pb2.TrackTouchpointRequest()
    fitting.CopyFrom(request)
    fitting.metadata.update({"text": "x" * 4_085})  # 4,096 bytes of JSON
    async with customers_process.client(marketing.tenant_id) as client:
        call = client.campaigns.TrackTouchpoint

        assert await bad_fields(call(request, metadata=client.metadata)) == ["metadata"]
        assert (await call(fitting, metadata=client.metadata)).touchpoint_id


async def test_other_tenants_ungranted_venues_and_readers_cannot_track(customers_process, marketing):
    for stranger in (
        customers_process.client(uuid4()),
        customers_process.client(marketing.tenant_id, venue_ids=[uuid4()]),
    ):
        async with stranger as client:
            assert await refused(tracked(client, marketing.venue_id)) == ("NOT_FOUND", "VENUE_NOT_FOUND")
    async with customers_process.client(marketing.tenant_id, permissions=["analytics.read"]) as client:
        assert (await refused(tracked(client, marketing.venue_id)))[0] == "PERMISSION_DENIED"
    async with customers_process.client(marketing.tenant_id, venue_ids=[marketing.venue_id]) as client:
        assert UUID((await tracked(client, marketing.venue_id)).touchpoint_id)
