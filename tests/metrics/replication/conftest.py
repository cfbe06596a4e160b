"""Stores of a test's own: every test here fills, empties or damages its replica."""

import pytest

from tests.metrics.replication.ground import open_ground


@pytest.fixture
async def ground(postgres_server, influx):
    async with open_ground(postgres_server, influx) as ground:
        yield ground
