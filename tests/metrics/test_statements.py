"""Every SQL statement that the service holds fits the schema that its migrations make."""

import pytest

import services.metrics
from libs.common.bus import inbox, outbox
from libs.common.catalog import statement_store, venue_store
from libs.common.jobs import queue
from libs.common.orders import store as order_store
from libs.common.rpc import idempotency
from tests.servers.parts import statements_of

STATEMENTS = statements_of(
    services.metrics,
    (inbox, outbox, queue, idempotency, statement_store, venue_store, order_store),
)


def test_the_statements_of_every_store_are_found():
    stores = {name.rpartition(".")[0] for name in STATEMENTS}

    assert {
        "services.metrics.recording.store",
        "services.metrics.series.store",
        "services.metrics.live.store",
        "libs.common.orders.store",
        "services.metrics.sales.store",
        "services.metrics.capacity.store",
        "libs.common.bus.outbox",
    } <= stores


@pytest.mark.parametrize("name", STATEMENTS)
async def test_every_statement_fits_the_migrated_schema(as_admin, name):
    """The predecessor's SQL named columns that no migration made."""
    from services.metrics.recording.store import _MAKE_STAGE

    await as_admin.execute(_MAKE_STAGE)

    await as_admin.prepare(STATEMENTS[name])
