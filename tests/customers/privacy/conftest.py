"""Customers and metrics as two processes on stores of their own, all of which can be searched."""

from contextlib import ExitStack
from dataclasses import dataclass

import asyncpg
import pytest

from libs.common.bus import open_bus
from libs.common.redis import connect
from services.customers.behavior import consumer as behavior
from services.customers.read_models import consumer as customers_read_models
from services.customers.touchpoints import consumer as touchpoints
from services.metrics.raw_events import consumer as raw_events
from services.metrics.read_models import consumer as metrics_read_models
from tests.customers.process import CustomersProcess
from tests.metrics.process import MetricsProcess
from tests.servers.databases import ServiceDatabase

_OWN_SPACE = 9


@dataclass(frozen=True)
class Platform:
    """Both services, and where they keep what they know."""

    customers: CustomersProcess
    metrics: MetricsProcess
    databases: tuple[ServiceDatabase, ServiceDatabase]
    redis_url: str
    mongo_url: str


@pytest.fixture(scope="session")
async def platform(postgres_server, redis_server, mongo_url, tmp_path_factory):
    """The two services of one deployment: one set of keys, one bus."""
    folder = tmp_path_factory.mktemp("platform")
    own_redis = redis_server.url(_OWN_SPACE)
    databases = [
        await postgres_server.create_database(service, migrated=True) for service in ("customers", "metrics")
    ]
    stores = {"redis_url": own_redis, "mongo_url": mongo_url}
    metrics = MetricsProcess(folder, databases[1], **stores)
    customers = CustomersProcess(folder, databases[0], metrics_target=f"127.0.0.1:{metrics.port}", **stores)
    with ExitStack() as running:
        for process in (metrics, customers):
            process.start()
            running.callback(process.stop)
        yield Platform(customers, metrics, tuple(databases), own_redis, mongo_url)
    for database in databases:
        await postgres_server.drop_database(database)


@pytest.fixture
async def own_redis(platform):
    """The Redis of the two services."""
    client = connect(platform.redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def bus(platform):
    """The bus of both services, with the queues that their consumers may still be about to make."""
    bus = open_bus(platform.redis_url)
    for queue in (customers_read_models, behavior, touchpoints, metrics_read_models, raw_events):
        await bus.subscribe(queue.QUEUE, types=queue.TYPES)
    yield bus
    await bus.close()


@pytest.fixture
async def admins(platform):
    """Superusers' connections to the databases of customers and metrics."""
    connections = [await asyncpg.connect(database.admin_url) for database in platform.databases]
    yield connections
    for connection in connections:
        await connection.close()
