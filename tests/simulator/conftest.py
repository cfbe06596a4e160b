"""A small season, and a gateway that keeps what it is sent."""

from datetime import date
from uuid import UUID

import grpc
import pytest

from deploy.local.simulator.season import play
from deploy.local.simulator.world import SIZES, Ids
from tests.simulator.recording_gateway import RecordingGateway

TENANT = UUID("44444444-4444-4444-8444-444444444444")


@pytest.fixture(scope="session")
def season():
    return play(Ids(TENANT, 7), SIZES["small"], date(2026, 3, 30))


@pytest.fixture
async def gateway():
    recording = RecordingGateway()
    server = grpc.aio.server()
    recording.join(server)
    recording.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield recording
    await server.stop(0)
