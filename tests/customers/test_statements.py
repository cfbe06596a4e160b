"""Every SQL statement that the service holds fits the schema that its migrations make."""

import pytest

import services.customers
from libs.common.bus import inbox, outbox
from libs.common.catalog import statement_store, venue_store
from libs.common.jobs import queue
from libs.common.orders import store as order_store
from libs.common.rpc import idempotency
from services.customers.churn import store as churn_store
from services.customers.lifetime import store as lifetime_store
from services.customers.rfm import run_store
from tests.servers.parts import statements_of

STATEMENTS = statements_of(
    services.customers,
    (inbox, outbox, queue, idempotency, statement_store, venue_store, order_store),
)
# Tables of one transaction, which no migration makes.
STAGES = (churn_store._MAKE_STAGE, lifetime_store._MAKE_STAGE, run_store._MAKE_STAGE)


def test_the_statements_of_every_store_are_found():
    stores = {name.rpartition(".")[0] for name in STATEMENTS}

    assert {
        "services.customers.counts.store",
        "services.customers.cohorts.store",
        "services.customers.lifetime.store",
        "libs.common.orders.store",
        "libs.common.bus.outbox",
    } <= stores


@pytest.mark.parametrize("name", STATEMENTS)
async def test_every_statement_fits_the_migrated_schema(as_admin, name):
    for stage in STAGES:
        await as_admin.execute(stage)

    await as_admin.prepare(STATEMENTS[name])
