"""Purchases that came as events, and runs of lifetime value and churn over them."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from libs.common.bus.consumer import in_transaction, service_caller
from libs.common.bus.port import DONE, Delivery
from libs.common.cache.cache import Cache
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope, acting_as
from libs.common.erasure.tombstones import Tombstones
from libs.common.redis import connect
from services.customers.churn.options import ChurnOptions
from services.customers.churn.runs import ChurnRuns
from services.customers.lifetime.runs import LifetimeRuns, RunOptions
from services.customers.read_models.consumer import QUEUE, ReadModels
from services.customers.segments.members import Members
from tests.customers.lifetime.conftest import AS_OF, apply, fit, orders_of, runs, tenant_id, venue_ids
from tests.customers.lifetime.histories import START, Row, drawn_rows
from tests.platform import events as make

__all__ = ("apply", "fit", "runs", "tenant_id", "venue_ids")

SHIFT = datetime.now(UTC).replace(hour=1, minute=0, second=0, microsecond=0) - AS_OF.replace(hour=0)
"""Moves simulated purchases so that the last ones are of yesterday."""
ZONES = ("America/New_York", "Pacific/Auckland")
BOTH, REGULAR, NEW, LATE = (UUID(int=number) for number in (900, 901, 902, 903))
"""Bought at both venues; on four days; today only; long ago, but is told of after the run."""


@dataclass(frozen=True)
class Town:
    """Two venues far apart whose purchases end yesterday, but for one today, with runs made over them."""

    tenant_id: UUID
    venue_ids: list[UUID]
    rows: list[Row]
    as_of: datetime
    """Of the runs."""


@pytest.fixture(scope="session")
async def town(database, customers_service, redis_url):
    """For tests that only read: a run takes seconds. No night of its schedules comes."""
    redis = connect(redis_url)
    cache = Cache(redis, service="customers", key=b"k" * 32)
    await cache.start()
    today = Row(0, NEW, datetime.now(UTC), spend=700)
    made = Town(uuid4(), [uuid4(), uuid4()], [*shifted(mixed_rows()), today], datetime.now(UTC))
    models = ReadModels(database, Venues(database), cache, Tombstones(b"t" * 32))
    handler = in_transaction(database, service="customers", queue=QUEUE, apply=models.apply)
    await _apply(handler, told_of(made.tenant_id, made.venue_ids, made.rows))
    await _unschedule(customers_service.admin_url, made.tenant_id)
    scope = TenantScope(made.tenant_id)
    with acting_as(service_caller("customers", made.tenant_id)):
        await LifetimeRuns(database, cache, RunOptions(least_repeaters=200)).run(scope, as_of=made.as_of)
        await ChurnRuns(database, cache, Members(), ChurnOptions()).run(scope, as_of=made.as_of)
    made.rows.append(Row(0, LATE, START + SHIFT + timedelta(days=300)))
    await _apply(handler, orders_of(made.tenant_id, made.venue_ids, made.rows[-1:]))
    yield made
    await cache.close()
    await redis.aclose()


async def _unschedule(admin_url, tenant_id):
    """Another test's worker that is up in the night would make runs over facts that came after ours."""
    admin = await asyncpg.connect(admin_url)
    await admin.execute("update job_schedules set enabled = false where tenant_id = $1", tenant_id)
    await admin.close()


async def _apply(handler, events):
    for start in range(0, len(events), 500):
        settlements = await handler([Delivery(event, 1) for event in events[start : start + 500]])
        assert set(settlements) == {DONE}


@pytest.fixture
def churn_runs(database, cache):
    return ChurnRuns(database, cache, Members(), ChurnOptions())


@pytest.fixture
def foretell(fit, churn_runs):
    """Runs of lifetime value and then of churn over a tenant."""

    async def foretell(tenant_id, *, as_of=AS_OF, **options):
        await fit(tenant_id, as_of=as_of)
        with acting_as(service_caller("customers", tenant_id)):
            return await churn_runs.run(TenantScope(tenant_id), as_of=as_of, **options)

    return foretell


def mixed_rows():
    """Orders of five hundred customers at two venues, in two currencies; some of them named above."""
    rows = drawn_rows(
        500,
        22,
        venue_of=lambda number: 1 if number % 8 == 0 else 0,
        currency_of=lambda number: "USD" if number % 4 == 1 else "EUR",
    )
    rows += [Row(0, REGULAR, START + timedelta(days=day), "EUR", spend=500) for day in (100, 130, 165, 190)]
    rows += [
        Row(0, BOTH, START + timedelta(days=20), "EUR", spend=300),
        Row(1, BOTH, START + timedelta(days=90), "USD", spend=900),
        Row(0, BOTH, START + timedelta(days=90), "EUR", spend=100),
    ]
    return rows


def shifted(rows):
    """The rows, so that the last ones are of yesterday."""
    return [replace(row, sold_at=row.sold_at + SHIFT) for row in rows]


def told_of(tenant_id, venue_ids, rows):
    """Events of rows, and of the venues in their zones."""
    told = [
        make.venue_updated(tenant_id, venue_id, time_zone=zone)
        for venue_id, zone in zip(venue_ids, ZONES, strict=True)
    ]
    return told + orders_of(tenant_id, venue_ids, rows)


@pytest.fixture
async def foretold(apply, foretell, tenant_id, venue_ids):
    """Rows of one venue of a tenant that a test may change, with both runs made over them."""
    rows = shifted(drawn_rows(250, 22))
    await apply(told_of(tenant_id, venue_ids, rows))
    await foretell(tenant_id, as_of=None)
    return rows


@pytest.fixture
async def client(customers_process, tenant_id):
    async with customers_process.client(tenant_id) as client:
        yield client


@pytest.fixture
async def town_client(customers_process, town):
    async with customers_process.client(town.tenant_id) as client:
        yield client
