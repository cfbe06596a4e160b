"""A migrated metrics database for the session; tests are kept apart by tenants of their own."""

import asyncpg
import pytest

from libs.common.bus.consumer import in_transaction
from libs.common.cache.cache import Cache
from libs.common.catalog.venues import Venues
from libs.common.postgres.database import Database
from libs.common.redis import connect
from services.metrics.live.feed import Feeds
from services.metrics.live.publisher import LivePublisher
from services.metrics.live.values import LiveValues
from services.metrics.read_models.consumer import QUEUE, ReadModels
from services.metrics.read_models.effects import Effects
from services.metrics.writer_slots import WriterSlots
from tests.metrics.erased import TOMBSTONES
from tests.metrics.process import MetricsProcess


@pytest.fixture(scope="session")
async def metrics_service(postgres_server):
    """URLs of the migrated database's roles."""
    service = await postgres_server.create_database("metrics", migrated=True)
    yield service
    await postgres_server.drop_database(service)


@pytest.fixture(scope="session")
async def database(metrics_service):
    """The app role's database."""
    database = Database.connect(metrics_service.app_url, application_name="tests", pool_size=8)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def worker_database(metrics_service):
    """The worker role's database."""
    database = Database.connect(metrics_service.worker_url, application_name="tests", pool_size=4)
    yield database
    await database.close()


@pytest.fixture
async def as_admin(metrics_service):
    """A superuser's connection, which row-level security does not bind."""
    connection = await asyncpg.connect(metrics_service.admin_url)
    yield connection
    await connection.close()


@pytest.fixture
async def redis(redis_url):
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def venues(database):
    return Venues(database)


@pytest.fixture
async def cache(redis):
    cache = Cache(redis, service="metrics", key=b"k" * 32)
    await cache.start()
    yield cache
    await cache.close()


@pytest.fixture
def live_values(database, worker_database, redis):
    publisher = LivePublisher(database, Feeds(redis, length=100), tick_seconds=0.05)
    return LiveValues(publisher, WriterSlots(worker_database, count=1))


@pytest.fixture
def read_models(database, venues, live_values, cache):
    return ReadModels(database, venues, Effects(live_values, cache), TOMBSTONES)


@pytest.fixture
def handler(database, read_models):
    """What the read models' consumer does with a batch of deliveries."""
    return in_transaction(database, service="metrics", queue=QUEUE, apply=read_models.apply)


@pytest.fixture(scope="session")
def metrics_process(metrics_service, redis_url, mongo_url, tmp_path_factory):
    """The service as a process of its own."""
    process = MetricsProcess(
        tmp_path_factory.mktemp("metrics"),
        metrics_service,
        redis_url=redis_url,
        mongo_url=mongo_url,
        feed_heartbeat_seconds=1,
        percentile_row_limit=5000,
    ).start()
    yield process
    process.stop()
