"""The live feed over gRPC: snapshot, changes, resume on any replica, closing words."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import grpc
import pytest
from tickettoken.metrics.v1 import live_pb2, recording_pb2

from libs.common import redis
from services.metrics.live.feed import FeedName
from tests.metrics.process import MetricsProcess
from tests.metrics.serving import refused


async def record(client, venue, *values, metric_type="door_scans", at=None):
    for value in values:
        request = recording_pb2.RecordMetricRequest(metric_type=metric_type, value=value, venue_id=str(venue))
        if at is not None:
            request.timestamp.FromDatetime(at)
        await client.metrics.RecordMetric(request, metadata=client.metadata)


class Stream:
    """A watched venue and everything it said."""

    def __init__(self, call):
        self.call = call
        self.messages = []

    async def next(self):
        message = await asyncio.wait_for(self.call.read(), 10)
        assert message is not grpc.aio.EOF, "the stream ended"
        self.messages.append(message)
        return message

    async def until(self, condition):
        """The first message that fulfils the condition."""
        async with asyncio.timeout(20):
            while not condition(message := await self.next()):
                pass
            return message

    async def snapshot(self):
        """All metrics before snapshot_complete, and that message."""
        done = await self.until(lambda message: message.HasField("snapshot_complete"))
        return {one.metric_type: one for m in self.messages for one in m.updates}, done

    async def figure(self, metric_type, total):
        """The message in which the hour's sum of a metric reaches a total."""
        return await self.until(
            lambda message: any(
                one.metric_type == metric_type and one.windows[-1].sum == total for one in message.updates
            )
        )


@asynccontextmanager
async def watching(client, venue, **fields):
    call = client.realtime.WatchVenueMetrics(
        live_pb2.WatchVenueMetricsRequest(venue_id=str(venue), **fields), metadata=client.metadata
    )
    try:
        yield Stream(call)
    finally:
        call.cancel()


@pytest.fixture
async def client(metrics_process):
    async with metrics_process.client(uuid4()) as client:
        yield client


async def test_the_windows_hold_what_was_recorded_in_the_last_minute_five_and_hour(client):
    venue, now = uuid4(), datetime.now(UTC)
    for minutes, value in ((0, 1.0), (0, -4.0), (3, 10.0), (30, 100.0), (90, 1000.0)):
        await record(client, venue, value, at=now - timedelta(minutes=minutes))

    response = await client.metrics.GetRealtimeMetrics(
        live_pb2.GetRealtimeMetricsRequest(venue_id=str(venue)), metadata=client.metadata
    )
    other = await client.realtime.GetVenueMetrics(
        live_pb2.GetVenueMetricsRequest(venue_id=str(venue), metrics=["door_scans", "unknown"]),
        metadata=client.metadata,
    )

    (metric,) = response.metrics
    by_minutes = {window.minutes: window for window in metric.windows}
    assert [by_minutes[n].count for n in (5, 60)] == [3, 4]
    assert [by_minutes[n].sum for n in (5, 60)] == [7.0, 107.0]
    assert (by_minutes[5].min, by_minutes[5].max) == (-4.0, 10.0)
    assert by_minutes[60].avg == pytest.approx(107 / 4)
    assert by_minutes[60].last == -4.0
    assert by_minutes[1].count in (0, 2)
    assert metric.version >= 4
    assert other.metrics[0].windows[-1].sum == 107.0
    assert response.as_of.ToDatetime(UTC) == now


async def test_a_stream_begins_with_a_snapshot_and_goes_on_with_changes_within_a_second(client):
    venue = uuid4()
    await record(client, venue, 5.0)
    async with watching(client, venue) as stream:
        snapshot, done = await stream.snapshot()
        started = asyncio.get_running_loop().time()
        await record(client, venue, 2.0)
        change = await stream.figure("door_scans", 7.0)
        elapsed = asyncio.get_running_loop().time() - started

    assert snapshot["door_scans"].windows[-1].sum == 5.0
    assert done.resume_token
    assert change.resume_token not in ("", done.resume_token)
    assert elapsed < 5  # the promise is one second; the bound only keeps a broken feed from passing


async def test_only_the_metrics_asked_for_are_sent(client):
    venue = uuid4()
    await record(client, venue, 1.0)
    async with watching(client, venue, metrics=["page_views"]) as stream:
        snapshot, _ = await stream.snapshot()
        await record(client, venue, 1.0)
        await record(client, venue, 3.0, metric_type="page_views")
        await stream.figure("page_views", 3.0)

    assert snapshot == {}
    assert {one.metric_type for message in stream.messages for one in message.updates} == {"page_views"}


async def test_a_silent_stream_sends_heartbeats(client):
    venue = uuid4()
    await record(client, venue, 1.0)
    async with watching(client, venue) as stream:
        await stream.snapshot()
        beat = await stream.until(lambda message: message.HasField("heartbeat"))

    assert beat.resume_token


async def test_a_resumed_stream_misses_no_keys_latest_state_on_another_replica(
    metrics_process, metrics_service, redis_url, mongo_url
):
    tenant, venue = uuid4(), uuid4()
    replica = MetricsProcess(
        metrics_process.folder,
        metrics_service,
        redis_url=redis_url,
        mongo_url=mongo_url,
        command="serve",
    ).start()
    try:
        async with metrics_process.client(tenant) as here, replica.client(tenant) as there:
            await record(here, venue, 1.0)
            async with watching(here, venue) as stream:
                await stream.snapshot()
                await record(there, venue, 1.0)
                token = (await stream.figure("door_scans", 2.0)).resume_token
            await record(here, venue, 10.0)
            await record(there, venue, 4.0, metric_type="page_views")
            await record(there, venue, 100.0)
            async with watching(there, venue, resume_token=token) as resumed:
                caught_up, _ = await resumed.snapshot()
                # What was recorded last may not be published yet.
                if "door_scans" not in caught_up or caught_up["door_scans"].windows[-1].sum != 112.0:
                    await resumed.figure("door_scans", 112.0)
                await record(here, venue, 1000.0)
                await resumed.figure("door_scans", 1112.0)
                seen = {one.metric_type for message in resumed.messages for one in message.updates}
            assert seen == {"door_scans", "page_views"}
    finally:
        replica.stop()


async def test_a_token_of_another_venue_is_invalid_and_one_of_a_forgotten_feed_expired(client, redis_url):
    tenant_of_feed = client.tenant_id
    venue, other = uuid4(), uuid4()
    await record(client, venue, 1.0)
    await record(client, other, 1.0)
    async with watching(client, venue) as stream:
        token = (await stream.snapshot())[1].resume_token

    def watch(venue_id, resume_token):
        request = live_pb2.WatchVenueMetricsRequest(venue_id=str(venue_id), resume_token=resume_token)
        return client.realtime.WatchVenueMetrics(request, metadata=client.metadata).read()

    assert await refused(watch(other, token)) == ("INVALID_ARGUMENT", "RESUME_TOKEN_INVALID")
    assert await refused(watch(venue, "nonsense")) == ("INVALID_ARGUMENT", "RESUME_TOKEN_INVALID")
    store = redis.connect(redis_url)
    await store.delete(FeedName(tenant_of_feed, venue).epoch)
    await store.aclose()
    assert await refused(watch(venue, token)) == ("OUT_OF_RANGE", "RESUME_EXPIRED")


async def test_a_token_older_than_the_kept_messages_is_expired(client, redis_url):
    venue = uuid4()
    await record(client, venue, 1.0)
    async with watching(client, venue) as stream:
        await stream.snapshot()
        await record(client, venue, 1.0)
        token = (await stream.figure("door_scans", 2.0)).resume_token
        await record(client, venue, 1.0)
        await stream.figure("door_scans", 3.0)
    await asyncio.sleep(0.5)  # longer than the replica keeps a feed that nobody watches
    store = redis.connect(redis_url)
    await store.xtrim(FeedName(client.tenant_id, venue).stream, maxlen=0, approximate=False)
    await store.aclose()

    request = live_pb2.WatchVenueMetricsRequest(venue_id=str(venue), resume_token=token)
    call = client.realtime.WatchVenueMetrics(request, metadata=client.metadata)

    assert await refused(call.read()) == ("OUT_OF_RANGE", "RESUME_EXPIRED")


async def test_the_last_word_of_a_stream_whose_token_expires_says_so(metrics_process):
    tenant, venue = uuid4(), uuid4()
    async with metrics_process.client(tenant) as client:
        await record(client, venue, 1.0)
    async with (
        metrics_process.client(tenant, lifetime=timedelta(seconds=2)) as client,
        watching(client, venue) as stream,
    ):
        closing = await stream.until(lambda message: message.HasField("closing"))
        end = await stream.call.read()

    assert closing.closing.reason == "TOKEN_EXPIRED"
    assert closing.resume_token
    assert end is grpc.aio.EOF


async def test_the_last_word_of_a_replica_that_stops_says_so(
    metrics_process, metrics_service, redis_url, mongo_url
):
    tenant, venue = uuid4(), uuid4()
    replica = MetricsProcess(
        metrics_process.folder, metrics_service, redis_url=redis_url, mongo_url=mongo_url, command="serve"
    ).start()
    async with replica.client(tenant) as client:
        await record(client, venue, 1.0)
        async with watching(client, venue) as stream:
            await stream.snapshot()
            stopping = asyncio.create_task(asyncio.to_thread(replica.stop))
            closing = await stream.until(lambda message: message.HasField("closing"))
            await stopping

    assert closing.closing.reason == "SHUTTING_DOWN"


async def test_another_tenant_and_a_token_without_the_venue_cannot_watch(metrics_process, client):
    venue = uuid4()
    await record(client, venue, 1.0)
    request = live_pb2.WatchVenueMetricsRequest(venue_id=str(venue))
    async with (
        metrics_process.client(uuid4()) as stranger,
        metrics_process.client(client.tenant_id, venue_ids=[uuid4()]) as limited,
    ):
        for caller in (stranger, limited):
            call = caller.realtime.WatchVenueMetrics(request, metadata=caller.metadata)
            assert await refused(call.read()) == ("NOT_FOUND", "VENUE_NOT_FOUND")
            unary = caller.metrics.GetRealtimeMetrics(
                live_pb2.GetRealtimeMetricsRequest(venue_id=str(venue)), metadata=caller.metadata
            )
            assert await refused(unary) == ("NOT_FOUND", "VENUE_NOT_FOUND")


async def test_a_commit_that_was_never_published_reaches_the_stream(client, as_admin):
    """What a process leaves behind that dies between its commit and its message."""
    venue = uuid4()
    await record(client, venue, 1.0)
    async with watching(client, venue) as stream:
        await stream.snapshot()
        await asyncio.sleep(1)  # the change above has been published
        async with as_admin.transaction():
            await as_admin.execute(
                "update realtime_metrics set value_sum = value_sum + 41, value_count = value_count + 1"
                " where venue_id = $1",
                venue,
            )
            await as_admin.execute(
                "update realtime_versions set version = version + 1, updated_at = now() where venue_id = $1",
                venue,
            )

        await stream.figure("door_scans", 42.0)


async def test_many_streams_of_a_venue_get_the_same_changes(client):
    venue = uuid4()
    await record(client, venue, 1.0)

    async def follow():
        async with watching(client, venue) as stream:
            await stream.snapshot()
            ready.release()
            await stream.figure("door_scans", 3.0)

    ready = asyncio.Semaphore(0)
    streams = [asyncio.create_task(follow()) for _ in range(60)]
    for _ in streams:
        await ready.acquire()
    await record(client, venue, 2.0)
    await asyncio.gather(*streams)
