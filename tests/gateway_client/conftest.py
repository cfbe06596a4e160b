from collections.abc import AsyncIterator

import pytest

from gateway.client import AnalyticsClient, RetryPolicy
from tests.gateway_client.scripted_gateway import ScriptedGateway, scripted_gateway


@pytest.fixture
async def gateway() -> AsyncIterator[ScriptedGateway]:
    async with scripted_gateway() as server:
        yield server


@pytest.fixture
async def client(gateway: ScriptedGateway) -> AsyncIterator[AnalyticsClient]:
    async with AnalyticsClient(gateway.url, "a-token", retries=QUICK) as analytics:
        yield analytics


QUICK = RetryPolicy(attempts=3, first_wait_seconds=0.01, longest_wait_seconds=0.5)
