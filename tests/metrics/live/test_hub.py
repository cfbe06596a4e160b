"""The feeds of a process while their readers come and go."""

import asyncio
from uuid import uuid4

import pytest
from tickettoken.metrics.v1 import live_pb2

from services.metrics.live.feed import FeedName, Feeds, ResumeTokens
from services.metrics.live.hub import LiveHub


@pytest.fixture
async def hub(database, redis):
    hub = LiveHub(
        database,
        Feeds(redis, length=100),
        ResumeTokens(b"k" * 32),
        slow_reader_seconds=10,
        most_subscribers=10,
    )
    hub.start()
    yield hub
    await hub.stop()


async def test_a_reader_keeps_its_feed_when_the_one_it_loaded_with_leaves_at_once(hub, redis):
    name = FeedName(uuid4(), uuid4())

    async def come_and_go() -> None:
        hub.leave(*await hub.join(name, frozenset()))

    hasty, patient = asyncio.create_task(come_and_go()), asyncio.create_task(hub.join(name, frozenset()))
    await hasty
    feed, subscriber = await patient
    arrived = []
    for version in (1, 2):  # the first may still come by the read that was under way
        change = live_pb2.LiveMetric(metric_type="door_scans", version=version)
        await Feeds(redis, length=100).publish({name: [change]})
        async with asyncio.timeout(5):
            arrived.append(live_pb2.WatchVenueMetricsResponse.FromString(await subscriber.next()))
    hub.leave(feed, subscriber)

    assert [message.updates[0].version for message in arrived] == [1, 2]
