"""A database that no process works on: nobody relays what these tests find in the outbox."""

import pytest

from libs.common.postgres.database import Database


@pytest.fixture(scope="session")
async def quiet_service(postgres_server):
    service = await postgres_server.create_database("metrics", migrated=True)
    yield service
    await postgres_server.drop_database(service)


@pytest.fixture(scope="session")
async def database(quiet_service):
    database = Database.connect(quiet_service.app_url, application_name="tests", pool_size=8)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def worker_database(quiet_service):
    database = Database.connect(quiet_service.worker_url, application_name="tests", pool_size=2)
    yield database
    await database.close()
