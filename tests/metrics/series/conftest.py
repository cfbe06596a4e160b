"""A caller of its own tenant, and a venue with weeks of values."""

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.metrics.series.asking import metric, record


@pytest.fixture
async def client(metrics_process):
    async with metrics_process.client(uuid4()) as client:
        yield client


@pytest.fixture(scope="session")
async def loaded(metrics_process):
    """A venue with 4,000 values over some weeks around the autumn change of clocks, and those values."""
    tenant, venue = uuid4(), uuid4()
    randomness = random.Random(11)
    begin = datetime(2026, 10, 20, tzinfo=UTC)
    points = sorted(
        (
            begin + timedelta(microseconds=randomness.randrange(21 * 86_400 * 10**6)),
            randomness.uniform(-1e3, 1e3),
            randomness.choice(["north", "south"]),
        )
        for _ in range(4000)
    )
    async with metrics_process.client(tenant) as client:
        await record(client, [metric(venue, at, value, gate=gate) for at, value, gate in points])
    return tenant, venue, points
