"""A season applied to the read models, and a client of the service that answers about it."""

import asyncio
import os

import pytest

from libs.common.bus.consumer import in_transaction
from libs.common.bus.port import DONE, Delivery
from libs.common.cache.cache import Cache
from libs.common.catalog.venues import Venues
from libs.common.redis import connect
from services.metrics.live.feed import Feeds
from services.metrics.live.publisher import LivePublisher
from services.metrics.live.values import LiveValues
from services.metrics.read_models.consumer import QUEUE, ReadModels
from services.metrics.read_models.effects import Effects
from services.metrics.writer_slots import WriterSlots
from tests.metrics.erased import TOMBSTONES
from tests.metrics.season.log import Log
from tests.metrics.season.play import play

ORDERS = int(os.environ.get("SEASON_ORDERS", "1500"))
"""A season for every day; 200,000 give two million page views."""


@pytest.fixture(scope="session")
async def season(database, worker_database, redis_url):
    """A season whose events arrived late, shuffled, repeated, and at two replicas at once."""
    made = play(20, orders=ORDERS)
    redis = connect(redis_url)
    cache = Cache(redis, service="metrics", key=b"k" * 32)
    live = LiveValues(
        LivePublisher(database, Feeds(redis, length=100), tick_seconds=60),
        WriterSlots(worker_database, count=1),
    )
    models = ReadModels(database, Venues(database), Effects(live, cache), TOMBSTONES)
    handler = in_transaction(database, service="metrics", queue=QUEUE, apply=models.apply)
    log = Log(made)
    arrivals = log.arrivals(20)
    waiting = iter([arrivals[at : at + 500] for at in range(0, len(arrivals), 500)])

    async def replica():
        for numbers in waiting:
            settlements = await handler([Delivery(log.event(number), 1) for number in numbers])
            assert all(settlement == DONE for settlement in settlements), settlements

    await asyncio.gather(replica(), replica())
    yield made
    await cache.close()
    await redis.aclose()


@pytest.fixture
async def client(metrics_process, season):
    async with metrics_process.client(season.tenant_id) as client:
        yield client
