"""A small season, recorded as the platform tells it, and exports of it."""

import pytest

from libs.common.bus.consumer import in_transaction
from libs.common.bus.port import DONE, Delivery
from libs.common.cache.cache import Cache
from libs.common.catalog.venues import Venues
from libs.common.redis import connect
from services.metrics.read_models.consumer import QUEUE, ReadModels
from services.metrics.read_models.effects import Effects
from tests.metrics.erased import TOMBSTONES
from tests.metrics.exports.reading import asked, exported
from tests.metrics.season.log import Log
from tests.metrics.season.play import play


@pytest.fixture(scope="session")
async def small_season(database, redis_url):
    """A season of a few hundred orders whose events arrived shuffled, late and twice."""
    made = play(41, orders=450)
    redis = connect(redis_url)
    cache = Cache(redis, service="metrics", key=b"k" * 32)
    models = ReadModels(database, Venues(database), Effects(None, cache), TOMBSTONES)
    handler = in_transaction(database, service="metrics", queue=QUEUE, apply=models.apply)
    log = Log(made)
    arrivals = log.arrivals(41)
    for at in range(0, len(arrivals), 500):
        settlements = await handler([Delivery(log.event(number), 1) for number in arrivals[at : at + 500]])
        assert all(settlement == DONE for settlement in settlements), settlements
    yield made
    await redis.aclose()


@pytest.fixture
def export(metrics_process, small_season):
    """Rows of a data set of the season, read by a service; `grant` limits its token to venues."""

    async def read(dataset, window=None, *, grant=None, **fields):
        request = asked(dataset, window, **fields)
        return await exported(metrics_process, small_season.tenant_id, request, venue_ids=grant)

    return read
