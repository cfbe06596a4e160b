"""Keys and an echo server for tests of calls."""

import pytest

from tests.rpc.world import Keys, echo_server


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
async def served(keys):
    async with echo_server(keys) as running:
        yield running
