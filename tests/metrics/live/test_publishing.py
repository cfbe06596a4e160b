"""The publisher of live metrics at the end of its process."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

from libs.common.bus.port import DONE, Delivery
from services.metrics.live.feed import FeedName, Feeds, StreamId
from services.metrics.live.keys import LiveKey
from services.metrics.live.publisher import LivePublisher
from services.metrics.orders.live import ORDERS_COMPLETED
from tests.platform import events as make


class SlowFeeds(Feeds):
    """Feeds whose publishing waits for a sign, as it does while Redis is slow."""

    def __init__(self, client):
        super().__init__(client, length=100)
        self.began, self.go_on = asyncio.Event(), asyncio.Event()

    async def publish(self, updates):
        self.began.set()
        await self.go_on.wait()
        await super().publish(updates)


async def test_what_is_being_published_when_the_process_stops_still_goes_out(database, redis, handler):
    tenant, venue = uuid4(), uuid4()
    assert await handler([Delivery(make.order_completed(tenant, venue, at=datetime.now(UTC)), 1)]) == [DONE]
    feeds = SlowFeeds(redis)
    publisher = LivePublisher(database, feeds, tick_seconds=0.01)
    publisher.start()
    publisher.touch(tenant, [LiveKey(venue, ORDERS_COMPLETED)])
    async with asyncio.timeout(10):
        await feeds.began.wait()
        stopping = asyncio.create_task(publisher.stop())
        await asyncio.sleep(0)
        feeds.go_on.set()
        await stopping

    assert await feeds.end(FeedName(tenant, venue)) > StreamId(0, 0)
