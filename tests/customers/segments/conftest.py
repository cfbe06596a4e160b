"""A season of purchases that came as events and were scored, and a client of the running service."""

from datetime import UTC, datetime

import pytest

from libs.common.bus.consumer import service_caller
from libs.common.context import TenantScope, acting_as
from tests.customers.people.shoppers import record
from tests.customers.segments.season import Season


@pytest.fixture
def score(scoring_runs):
    async def score(tenant):
        with acting_as(service_caller("customers", tenant)):
            await scoring_runs.run(TenantScope(tenant), as_of=datetime.now(UTC))

    return score


@pytest.fixture
async def season(handler, score):
    made = Season()
    await record(handler, list(made.events()))
    await score(made.tenant)
    return made


@pytest.fixture
async def client(customers_process, season):
    async with customers_process.client(season.tenant) as client:
        yield client
