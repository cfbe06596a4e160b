"""The live feed over WebSocket: the same messages and resume tokens, the same refusals, an end in order."""

import asyncio
import json
from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import pytest
from google.protobuf.json_format import ParseDict
from tickettoken.metrics.v1 import live_pb2
from websockets.exceptions import ConnectionClosed, InvalidStatus

from services.metrics.live.feed import FeedName, Feeds
from tests.gateway.front import error_of
from tests.metrics.live.conftest import running_edge, sums
from tests.metrics.live.test_watching import record, watching
from tests.metrics.process import MetricsProcess


@pytest.fixture
async def client(metrics_process):
    async with metrics_process.client(uuid4()) as client:
        yield client


@pytest.fixture
def token(metrics_process, client):
    return metrics_process.token(client.tenant_id)


async def refused(opening):
    """Status and reason with which an upgrade is refused."""
    with pytest.raises(InvalidStatus) as refusal:
        async with opening:
            pass
    response = refusal.value.response
    assert response.headers["content-type"] == "application/json"
    return response.status_code, error_of(json.loads(response.body))["reason"]


async def end_of(socket):
    """The closing message and the close code."""
    closing = await socket.until(lambda message: "closing" in message)
    with suppress(ConnectionClosed):
        await socket.connection.recv()
    return closing["closing"]["reason"], socket.connection.close_code


async def test_a_socket_gets_a_snapshot_and_then_changes(edge, client, token):
    venue = uuid4()
    await record(client, venue, 5.0)
    async with asyncio.timeout(20), edge.follow(venue, token) as socket:
        snapshot, done = await socket.snapshot()
        await record(client, venue, 2.0)
        change = await socket.figure("door_scans", 7.0)

    assert socket.connection.subprotocol == "tickettoken.v1"
    assert sums({"updates": snapshot.values()}) == {"door_scans": 5.0}
    assert int(change["position"]) > int(done["position"])
    parsed = ParseDict(change, live_pb2.WatchVenueMetricsResponse())
    assert parsed.updates[0].windows[-1].sum == 7.0


async def test_sockets_with_different_filters_share_a_stream_and_get_their_own_metrics(edge, client, token):
    venue = uuid4()
    await record(client, venue, 1.0)
    filters = {
        "?metrics=page_views": {"page_views"},
        "?metrics=door_scans&metrics=page_views": None,
        "": None,
    }

    async def follow(query):
        async with edge.follow(venue, token, query=query) as socket:
            await socket.snapshot()
            ready.release()
            await socket.figure("page_views", 3.0)
            return {name for message in socket.messages for name in sums(message)}

    ready = asyncio.Semaphore(0)
    async with asyncio.timeout(20):
        followers = [asyncio.create_task(follow(query)) for query in filters]
        for _ in followers:
            await ready.acquire()
        await record(client, venue, 1.0)
        await record(client, venue, 3.0, metric_type="page_views")
        seen = await asyncio.gather(*followers)

    assert seen == [{"page_views"}, {"door_scans", "page_views"}, {"door_scans", "page_views"}]


async def test_resume_tokens_are_the_same_over_grpc_and_websocket(edge, client, token):
    venue = uuid4()
    await record(client, venue, 1.0)
    async with asyncio.timeout(30):
        async with watching(client, venue) as stream:
            over_grpc = (await stream.snapshot())[1].resume_token
        await record(client, venue, 1.0, metric_type="page_views")
        async with edge.follow(venue, token, query=f"?resumeToken={over_grpc}") as socket:
            resumed, _ = await socket.snapshot()
            if "page_views" not in resumed:
                await socket.figure("page_views", 1.0)
            await record(client, venue, 1.0, metric_type="page_views")
            over_websocket = (await socket.figure("page_views", 2.0))["resumeToken"]
        await record(client, venue, 1.0, metric_type="queue_length")
        async with watching(client, venue, resume_token=over_websocket) as stream:
            again, _ = await stream.snapshot()
            if "queue_length" not in again:
                await stream.figure("queue_length", 1.0)

    told = {one.metric_type for message in stream.messages for one in message.updates}
    assert "queue_length" in told


async def test_a_silent_socket_gets_heartbeats_with_its_resume_token(edge, client, token):
    venue = uuid4()
    await record(client, venue, 1.0)
    async with asyncio.timeout(20), edge.follow(venue, token) as socket:
        await socket.snapshot()
        beat = await socket.until(lambda message: "heartbeat" in message)

    assert beat["resumeToken"]


async def test_the_token_may_come_as_a_header(edge, client, token):
    venue = uuid4()
    await record(client, venue, 1.0)
    header = {"authorization": f"Bearer {token}"}
    async with (
        asyncio.timeout(20),
        edge.follow(venue, "", subprotocols=None, additional_headers=header) as socket,
    ):
        snapshot, _ = await socket.snapshot()

    assert set(snapshot) == {"door_scans"}


async def test_upgrades_are_refused_over_http_in_the_one_shape_of_errors(
    edge, client, token, metrics_process
):
    venue, tenant = uuid4(), client.tenant_id
    await record(client, venue, 1.0)
    stranger = metrics_process.token(uuid4())
    elsewhere = metrics_process.token(tenant, venue_ids=[uuid4()])
    writer = metrics_process.token(tenant, permissions=["analytics.write"])
    expired = metrics_process.token(tenant, lifetime=timedelta(hours=-1))
    page = {"Origin": "https://elsewhere.example"}
    async with asyncio.timeout(30):
        answers = [
            await refused(edge.follow(venue, "", subprotocols=["tickettoken.v1"])),
            await refused(edge.follow(venue, "nonsense")),
            await refused(edge.follow(venue, expired)),
            await refused(edge.follow(venue, writer)),
            await refused(edge.follow(venue, stranger)),
            await refused(edge.follow(venue, elsewhere)),
            await refused(edge.follow("nonsense", token)),
            await refused(edge.follow(venue, token, query="?metrics=Not%20a%20name")),
            await refused(edge.follow(venue, token, query="?resumeToken=nonsense")),
            await refused(edge.follow(venue, token, query="?metric=door_scans")),
            await refused(edge.follow(f"{venue}/more", token)),
            await refused(edge.follow(venue, token, additional_headers=page)),
        ]

    assert answers == [
        (401, "TOKEN_MISSING"),
        (401, "TOKEN_INVALID"),
        (401, "TOKEN_EXPIRED"),
        (403, "PERMISSION_MISSING"),
        (404, "VENUE_NOT_FOUND"),
        (404, "VENUE_NOT_FOUND"),
        (400, "INVALID_FIELD"),
        (400, "INVALID_FIELD"),
        (400, "RESUME_TOKEN_INVALID"),
        (400, "REQUEST_MALFORMED"),
        (404, "ROUTE_NOT_FOUND"),
        (403, "ORIGIN_REFUSED"),
    ]


async def test_a_stranger_is_refused_while_the_venue_is_followed(edge, client, token, metrics_process):
    """What sockets share never spares one of them its own admission."""
    venue = uuid4()
    await record(client, venue, 1.0)
    async with asyncio.timeout(20), edge.follow(venue, token) as socket:
        await socket.snapshot()

        for other in (
            metrics_process.token(uuid4()),
            metrics_process.token(client.tenant_id, venue_ids=[uuid4()]),
        ):
            assert await refused(edge.follow(venue, other)) == (404, "VENUE_NOT_FOUND")


async def test_a_socket_ends_with_its_token_and_the_others_go_on(edge, client, token, metrics_process):
    """The shared stream was opened with the token that expires first."""
    venue = uuid4()
    await record(client, venue, 1.0)
    short = metrics_process.token(client.tenant_id, lifetime=timedelta(seconds=2))
    async with (
        asyncio.timeout(30),
        edge.follow(venue, short) as hasty,
        edge.follow(venue, token) as patient,
    ):
        await hasty.snapshot()
        await patient.snapshot()
        end = await end_of(hasty)
        await record(client, venue, 1.0)
        change = await patient.figure("door_scans", 2.0)

    assert end == ("TOKEN_EXPIRED", 4401)
    assert change["resumeToken"]


async def test_a_socket_that_speaks_is_closed(edge, client, token):
    venue = uuid4()
    await record(client, venue, 1.0)
    async with asyncio.timeout(20), edge.follow(venue, token) as socket:
        await socket.snapshot()
        await socket.connection.send("hello")

        assert await end_of(socket) == ("MESSAGE_UNEXPECTED", 1003)


async def test_a_gateway_that_stops_says_goodbye_and_the_token_goes_on_at_another(
    client, token, metrics_process, redis_url
):
    venue = uuid4()
    await record(client, venue, 1.0)
    async with asyncio.timeout(30), running_edge(metrics_process, redis_url) as other:
        async with (
            running_edge(metrics_process, redis_url) as stopping,
            stopping.follow(venue, token) as socket,
        ):
            await socket.snapshot()
            closed = asyncio.create_task(stopping.edge.close())
            end = await end_of(socket)
            await closed
        await record(client, venue, 1.0)
        last = socket.messages[-1]["resumeToken"]
        async with other.follow(venue, token, query=f"?resumeToken={last}") as resumed:
            snapshot, _ = await resumed.snapshot()
            if sums({"updates": snapshot.values()}).get("door_scans") != 2.0:
                await resumed.figure("door_scans", 2.0)

    assert end == ("SHUTTING_DOWN", 1001)


async def test_sockets_outlive_a_restart_of_the_metrics_service(
    client, token, metrics_process, metrics_service, redis_url, mongo_url
):
    venue = uuid4()
    await record(client, venue, 1.0)
    replica = MetricsProcess(
        metrics_process.folder, metrics_service, redis_url=redis_url, mongo_url=mongo_url, command="serve"
    ).start()
    try:
        async with (
            asyncio.timeout(90),
            running_edge(metrics_process, redis_url, target=f"127.0.0.1:{replica.port}") as edge,
            edge.follow(venue, token) as socket,
        ):
            await socket.snapshot()
            await asyncio.to_thread(replica.stop)
            await record(client, venue, 10.0)
            await asyncio.to_thread(replica.start)
            await socket.figure("door_scans", 11.0)
    finally:
        replica.stop()


async def test_a_socket_that_does_not_read_is_closed_and_may_resume(
    client, token, metrics_process, redis, redis_url
):
    venue = uuid4()
    await record(client, venue, 1.0)
    feeds, name = Feeds(redis, length=4096), FeedName(client.tenant_id, venue)
    window = live_pb2.LiveWindow(minutes=1)
    async with (
        asyncio.timeout(60),
        running_edge(metrics_process, redis_url, slow_reader_seconds=0.2) as edge,
        edge.follow(venue, token, max_queue=1) as socket,
        edge.follow(venue, token) as reader,
    ):
        await socket.snapshot()
        for version in range(1, 100):
            many = [
                live_pb2.LiveMetric(metric_type=f"metric_{number}", version=version, windows=[window] * 12)
                for number in range(200)
            ]
            await feeds.publish({name: many})
            told = await reader.next()
            while str(version) not in {one["version"] for one in told["updates"]}:
                told = await reader.next()
        end = await end_of(socket)

    assert end == ("SLOW_READER", 1008)
    assert socket.messages[-1]["resumeToken"]
