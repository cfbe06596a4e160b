"""Both brokers behind one fixture, and a database with the bus tables."""

import secrets
from uuid import uuid4

import pytest

from deploy.local.ports import free_port
from deploy.local.servers import Valkey
from libs.common.bus.rabbitmq import RabbitBus
from libs.common.bus.redis_streams import RedisBus
from libs.common.postgres.database import Database
from libs.common.postgres.migrate import run_migrations
from tests.bus.brokers import Broker
from tests.bus.receiving import RETRY_DELAYS


@pytest.fixture(scope="session")
def own_redis(servers_folder):
    """Not the one of the services under test, which subscribe to the same types of events."""
    server = Valkey(
        servers_folder / "valkey-bus", port=free_port(), password=secrets.token_urlsafe(24)
    ).start()
    yield server
    server.stop()


@pytest.fixture(scope="session", params=["rabbitmq", "redis"])
def broker(request):
    server = request.getfixturevalue("rabbitmq" if request.param == "rabbitmq" else "own_redis")
    url = server.url() if isinstance(server, Valkey) else server.url
    return Broker(request.param, url, server)


@pytest.fixture
async def bus(broker):
    # A killed consumer's events would come back after 30 s; tests need not wait that long.
    opened = RabbitBus(broker.url) if broker.name == "rabbitmq" else RedisBus(broker.url, takeover_seconds=3)
    yield opened
    await opened.close()


@pytest.fixture
async def queue(bus):
    """A queue name of its own for each test."""
    name = f"tests.{uuid4().hex[:12]}"
    yield name
    await bus.unsubscribe(name, retry_delays=RETRY_DELAYS)


@pytest.fixture(scope="session")
async def bus_database(postgres_server):
    service = await postgres_server.create_database("bus")
    await run_migrations("tests.bus.example", service.owner_url)
    return service


@pytest.fixture
async def app(bus_database):
    database = Database.connect(bus_database.app_url, application_name="tests", pool_size=6)
    yield database
    await database.close()


@pytest.fixture
async def worker(bus_database):
    database = Database.connect(bus_database.worker_url, application_name="tests", pool_size=6)
    yield database
    await database.close()
