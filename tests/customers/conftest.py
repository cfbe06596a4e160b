"""A migrated customers database for the session; tests are kept apart by tenants of their own."""

from uuid import uuid4

import asyncpg
import pytest

from libs.common.bus.consumer import in_transaction
from libs.common.cache.cache import Cache
from libs.common.catalog.venues import Venues
from libs.common.erasure.tombstones import Hiding, Tombstones
from libs.common.mongo import Mongo
from libs.common.postgres.database import Database
from libs.common.redis import connect
from services.customers.read_models.consumer import QUEUE, ReadModels
from services.customers.rfm.rescoring import Rescoring
from services.customers.rfm.runs import ScoringRuns
from services.customers.segments.members import Members
from services.customers.touchpoints.consumer import Touchpoints
from services.customers.touchpoints.store import TouchpointStore
from tests.customers.marketing import Marketing
from tests.customers.process import CustomersProcess


@pytest.fixture(scope="session")
async def customers_service(postgres_server):
    """URLs of the migrated database's roles."""
    service = await postgres_server.create_database("customers", migrated=True)
    yield service
    await postgres_server.drop_database(service)


@pytest.fixture(scope="session")
async def database(customers_service):
    """The app role's database."""
    database = Database.connect(customers_service.app_url, application_name="tests", pool_size=8)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def worker_database(customers_service):
    """The worker role's database."""
    database = Database.connect(customers_service.worker_url, application_name="tests", pool_size=4)
    yield database
    await database.close()


@pytest.fixture
async def as_admin(customers_service):
    """A superuser's connection, which row-level security does not bind."""
    connection = await asyncpg.connect(customers_service.admin_url)
    yield connection
    await connection.close()


@pytest.fixture
async def redis(redis_url):
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def mongo(mongo_url):
    """The service's MongoDB."""
    mongo = Mongo.connect(mongo_url, database="customers", application_name="tests")
    yield mongo
    await mongo.close()


@pytest.fixture
def venues(database):
    return Venues(database)


@pytest.fixture
async def cache(redis):
    cache = Cache(redis, service="customers", key=b"k" * 32)
    await cache.start()
    yield cache
    await cache.close()


@pytest.fixture
def tombstones():
    return Tombstones(b"t" * 32)


@pytest.fixture
def hiding(database, tombstones):
    """For stores beside PostgreSQL: events with pseudonyms in the place of erased people."""
    return Hiding(database, tombstones)


@pytest.fixture
def rescoring(database, cache):
    """Scoring between runs, as the consumer does it."""
    return Rescoring(database, cache, Members(), window_days=365)


@pytest.fixture
def scoring_runs(database, cache):
    """Whole runs of scoring."""
    return ScoringRuns(database, cache, Members(), window_days=365)


@pytest.fixture
def read_models(database, venues, cache, tombstones, rescoring):
    return ReadModels(database, venues, cache, tombstones, rescoring=rescoring)


@pytest.fixture
def handler(database, read_models):
    """What the read models' consumer does with a batch of deliveries."""
    return in_transaction(database, service="customers", queue=QUEUE, apply=read_models.apply)


@pytest.fixture
async def marketing(handler, mongo, hiding, cache):
    """A tenant's venue that is known, for campaigns, touchpoints and purchases."""
    touchpoints = Touchpoints(TouchpointStore(mongo), hiding, cache).handler()
    marketing = Marketing(uuid4(), uuid4(), handler, touchpoints)
    await marketing.opened()
    return marketing


@pytest.fixture(scope="session")
def customers_process(customers_service, redis_url, mongo_url, tmp_path_factory):
    """The half that serves as a process of its own: nothing works on the database behind the tests' backs."""
    process = CustomersProcess(
        tmp_path_factory.mktemp("customers"),
        customers_service,
        redis_url=redis_url,
        mongo_url=mongo_url,
        command="serve",
    ).start()
    yield process
    process.stop()


@pytest.fixture
def working_process(customers_service, redis_url, mongo_url, tmp_path_factory):
    """The other half for one test: it consumes, relays the outbox and does jobs."""
    process = CustomersProcess(
        tmp_path_factory.mktemp("working"),
        customers_service,
        redis_url=redis_url,
        mongo_url=mongo_url,
        command="work",
    ).start()
    yield process
    process.stop()
