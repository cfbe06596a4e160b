"""Real servers for every test, started when first asked for and stopped at the end of the session.

Where several processes share the tests, each has servers of its own. A server whose program is missing fails
the tests that need it and says what to install: none is skipped.
"""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

from deploy.local.ports import free_port
from deploy.local.servers import Secantus, Valkey
from deploy.local.servers.influx import Influx
from deploy.local.servers.rabbitmq import RabbitMQ
from deploy.local.servers.s3 import S3
from deploy.local.servers.server import Server
from tests.servers.databases import PostgresServer, start_postgres
from tests.servers.distribution import ByFolder, rank
from tests.servers.stack import StackUnderTest

AnyServer = TypeVar("AnyServer", bound=Server)

# Timings are not asserted: on a busy machine an example that is usually quick takes long.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    return ByFolder(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: rank(item.nodeid))


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tickettoken-tests-"))
    folder.chmod(0o711)  # as root, PostgreSQL runs as another user and must get through
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(servers_folder: Path) -> Iterator[PostgresServer]:
    """PostgreSQL with `admin_url` and `create_database(service)`: a fresh database with its roles."""
    server = start_postgres(servers_folder / "postgres")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server(servers_folder: Path) -> Iterator[Valkey]:
    """The Redis server itself, for tests that stop and start it; they leave it running."""
    server = Valkey(servers_folder / "valkey", port=free_port(), password=secrets.token_urlsafe(24))
    yield from _running(server)


@pytest.fixture(scope="session")
def redis_url(redis_server: Valkey) -> str:
    return redis_server.url()


@pytest.fixture(scope="session")
def mongo_server(servers_folder: Path) -> Iterator[Secantus]:
    """The MongoDB stand-in itself, for tests that stop and start it; they leave it running."""
    yield from _running(Secantus(servers_folder / "secantus", port=free_port()))


@pytest.fixture(scope="session")
def mongo_url(mongo_server: Secantus) -> str:
    return mongo_server.url


@pytest.fixture(scope="session")
def rabbitmq(servers_folder: Path) -> Iterator[RabbitMQ]:
    """The broker: `url`, `stop()`, `start()`, `kill()`; a test that stops it starts it again."""
    yield from _running(RabbitMQ(servers_folder / "rabbitmq", port=free_port(consecutive=3)))


@pytest.fixture(scope="session")
def influx(servers_folder: Path) -> Iterator[Influx]:
    """InfluxDB: `url` for /api/v2/write and /query, `create_bucket(name)`, `stop()`, `start()`."""
    yield from _running(Influx(servers_folder / "influx", port=free_port()))


@pytest.fixture(scope="session")
def s3(servers_folder: Path) -> Iterator[S3]:
    """An S3 server: `url`, `bucket`, `access_key`, `secret_key`."""
    secret = secrets.token_urlsafe(24)
    yield from _running(S3(servers_folder / "s3", port=free_port(), access_key="tests", secret_key=secret))


@pytest.fixture(scope="session")
def stack(servers_folder: Path) -> Iterator[StackUnderTest]:
    """The whole platform, without demo data; shared, so use tenants of your own and leave it running."""
    stack = StackUnderTest(servers_folder / "stack")
    try:
        yield stack.start()
    finally:
        stack.stop()


def _running(server: AnyServer) -> Iterator[AnyServer]:
    server.start()
    yield server
    server.stop()
