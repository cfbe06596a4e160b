"""Runs of scores over a tenant."""

from datetime import UTC, datetime

import pytest

from libs.common.bus.consumer import service_caller
from libs.common.context import TenantScope, acting_as

AS_OF = datetime(2026, 10, 1, 20, tzinfo=UTC)


@pytest.fixture
def run(scoring_runs):
    """Scores a tenant as of a moment; returns the places."""

    async def run(tenant, as_of=AS_OF):
        places = []
        with acting_as(service_caller("customers", tenant)):
            await scoring_runs.run(TenantScope(tenant), as_of=as_of, tell=places.append)
        return places

    return run
