"""Customers beside a metrics service that keeps the raw events."""

from datetime import timedelta

import pytest

from libs.common.bus.consumer import repeatable
from libs.common.bus.port import DONE, Delivery
from services.customers.engines import Engines
from services.customers.read_models.consumer import ReadModels
from services.customers.rebuild.rebuild import Rebuild
from services.customers.rebuild.source import RawEvents
from services.customers.settings import CustomersSettings
from services.metrics.raw_events.consumer import RawEvents as KeptEvents
from services.metrics.raw_events.store import RawEventStore
from tests.customers.process import CustomersProcess
from tests.metrics.erased import NobodyErased
from tests.metrics.process import MetricsProcess


@pytest.fixture(scope="session")
async def metrics_process(postgres_server, redis_url, mongo_url, tmp_path_factory):
    """A metrics service; events go into its store directly, as its queue is shared with other tests."""
    database = await postgres_server.create_database("metrics", migrated=True)
    process = MetricsProcess(
        tmp_path_factory.mktemp("deployment"),
        database,
        redis_url=redis_url,
        mongo_url=mongo_url,
        command="serve",
    ).start()
    yield process
    process.stop()
    await postgres_server.drop_database(database)


@pytest.fixture(scope="session")
def replica(metrics_process, customers_service, redis_url, mongo_url):
    """A replica of customers in the same deployment, not started: its environment is for commands."""
    return CustomersProcess(
        metrics_process.folder,
        customers_service,
        redis_url=redis_url,
        mongo_url=mongo_url,
        metrics_target=f"127.0.0.1:{metrics_process.port}",
    )


@pytest.fixture
async def raw_events(replica):
    """The raw events as the metrics service sends them."""
    values = {name.removeprefix("CUSTOMERS_").lower(): value for name, value in replica.environment.items()}
    engines = Engines(CustomersSettings(**values))
    yield RawEvents(engines.metrics)
    await engines.close()


@pytest.fixture
def rebuild(database, venues, cache, tombstones, raw_events):
    return Rebuild(database, raw_events, ReadModels(database, venues, cache, tombstones))


@pytest.fixture
def impatient(database, venues, cache, tombstones, raw_events):
    models = ReadModels(database, venues, cache, tombstones)
    return Rebuild(database, raw_events, models, patience_seconds=0)


@pytest.fixture
async def keep(mongo_url):
    """Puts events among the raw ones, as the metrics service does."""
    store = RawEventStore.connect(mongo_url, kept=timedelta(days=400))
    handler = repeatable(service="metrics", apply=KeptEvents(store, NobodyErased()).apply)

    async def put(events):
        for start in range(0, len(events), 300):
            settlements = await handler([Delivery(event, 1) for event in events[start : start + 300]])
            assert all(settlement == DONE for settlement in settlements), settlements

    yield put
    await store.close()
