"""Purchases that came as events, and runs over them."""

from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest

from libs.common.bus.consumer import service_caller
from libs.common.bus.port import DONE, Delivery
from libs.common.context import TenantScope, acting_as
from services.customers.lifetime.answers import LifetimeValues
from services.customers.lifetime.runs import LifetimeRuns, RunOptions
from services.customers.models.registry import ModelRegistry
from services.customers.people.reader import PeopleReader
from services.customers.purchases.reader import PurchaseReader
from tests.customers.lifetime.histories import START, drawn_rows
from tests.platform import events as make

AS_OF = START + timedelta(days=401)


def orders_of(tenant_id, venue_ids, rows):
    """Events of plain rows; venues by their place."""
    return [
        make.order_completed(
            tenant_id,
            venue_ids[row.venue],
            customer=row.customer,
            lines=((1, row.spend),),
            currency=row.currency,
            at=row.sold_at,
        )
        for row in rows
    ]


@pytest.fixture
def apply(handler):
    """Applies events in batches, as the queue does."""

    async def apply(events):
        for start in range(0, len(events), 500):
            settlements = await handler([Delivery(event, 1) for event in events[start : start + 500]])
            assert set(settlements) == {DONE}

    return apply


@pytest.fixture
def runs(database, cache):
    return LifetimeRuns(database, cache, RunOptions(least_repeaters=200))


@pytest.fixture
def fit(runs):
    """Runs over a tenant as of the simulation's end."""

    async def fit(tenant_id, *, as_of=AS_OF, **options):
        with acting_as(service_caller("customers", tenant_id)):
            return await runs.run(TenantScope(tenant_id), as_of=as_of, **options)

    return fit


@pytest.fixture
def values(database, venues):
    """Use cases whose clock stands at the simulation's end."""
    return LifetimeValues(
        database,
        venues,
        ModelRegistry(database, venues),
        PeopleReader(database),
        PurchaseReader(database),
        now=lambda: AS_OF,
    )


@pytest.fixture
def tenant_id():
    return uuid4()


@pytest.fixture
def venue_ids():
    """Two venues in no particular order."""
    return [uuid4(), uuid4()]


def mixed_rows():
    return drawn_rows(
        500,
        22,
        venue_of=lambda number: 1 if number % 8 == 0 else 0,
        currency_of=lambda number: "USD" if number % 4 == 1 else "EUR",
    )


@pytest.fixture
async def filled(apply, tenant_id, venue_ids):
    """A tenant with two venues whose purchases came as events, shuffled and partly twice."""
    rows = mixed_rows()
    events = orders_of(tenant_id, venue_ids, rows)
    order = np.random.default_rng(2).permutation(len(events))
    await apply([events[place] for place in order])
    await apply(events[:200])
    return rows
