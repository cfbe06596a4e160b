"""Purchases that came as events, and runs of lifetime value and churn over them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from libs.common.bus.consumer import service_caller
from libs.common.context import TenantScope, acting_as
from services.customers.churn.options import ChurnOptions
from services.customers.churn.runs import ChurnRuns
from services.customers.segments.members import Members
from tests.customers.lifetime.conftest import AS_OF, apply, fit, orders_of, runs, tenant_id, venue_ids
from tests.customers.lifetime.histories import START, Row, drawn_rows
from tests.platform import events as make

__all__ = ("apply", "fit", "runs", "tenant_id", "venue_ids")

SHIFT = datetime.now(UTC).replace(hour=1, minute=0, second=0, microsecond=0) - AS_OF.replace(hour=0)
"""Moves simulated purchases so that the last ones are of yesterday."""
ZONES = ("America/New_York", "Pacific/Auckland")
BOTH, REGULAR, NEW = UUID(int=900), UUID(int=901), UUID(int=902)
"""Bought at both venues; bought on four days; bought today only."""


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


@pytest.fixture
async def filled(apply, tenant_id, venue_ids):
    """Two venues far apart whose purchases end yesterday, and their rows."""
    rows = [replace(row, sold_at=row.sold_at + SHIFT) for row in mixed_rows()]
    rows.append(Row(0, NEW, datetime.now(UTC), "EUR", spend=700))
    told = [
        make.venue_updated(tenant_id, venue_id, time_zone=zone)
        for venue_id, zone in zip(venue_ids, ZONES, strict=True)
    ]
    await apply(told + orders_of(tenant_id, venue_ids, rows))
    return rows


@pytest.fixture
async def foretold(foretell, tenant_id, filled):
    """The rows of `filled`, with both runs made over them now."""
    await foretell(tenant_id, as_of=None)
    return filled


@pytest.fixture
async def client(customers_process, tenant_id):
    async with customers_process.client(tenant_id) as client:
        yield client
