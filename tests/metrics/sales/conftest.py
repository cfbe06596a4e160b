"""A year of sales that every test of this folder reads, and none changes."""

import pytest

from libs.common.bus.consumer import in_transaction
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
from tests.metrics.platform import oracle_sales
from tests.metrics.platform.year import year
from tests.metrics.read_models.test_read_models import deliver


@pytest.fixture(scope="session")
async def sold(database, worker_database, redis_url):
    """A year that came shuffled, twice, two batches at a time; and its lines."""
    redis = connect(redis_url)
    cache = Cache(redis, service="metrics", key=b"k" * 32)
    live = LiveValues(
        LivePublisher(database, Feeds(redis, length=100), tick_seconds=0.05),
        WriterSlots(worker_database, count=1),
    )
    read_models = ReadModels(database, Venues(database), Effects(live, cache), TOMBSTONES)
    handler = in_transaction(database, service="metrics", queue=QUEUE, apply=read_models.apply)
    made = year(2026)
    await deliver(handler, made.arrivals(1), 1)
    await deliver(handler, made.arrivals(2), 2)
    await cache.close()
    await redis.aclose()
    return made, oracle_sales.lines(made.log)
