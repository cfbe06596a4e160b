"""A migrated database of an example service, and its three roles."""

import asyncpg
import pytest

from libs.common.postgres.database import Database
from libs.common.postgres.migrate import run_migrations


@pytest.fixture(scope="session")
async def example(postgres_server):
    service = await postgres_server.create_database("example")
    await run_migrations("tests.postgres.example", service.owner_url)
    return service


@pytest.fixture(scope="session")
async def app(example):
    database = Database.connect(example.app_url, application_name="tests", pool_size=4)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def worker(example):
    database = Database.connect(example.worker_url, application_name="tests", pool_size=2)
    yield database
    await database.close()


@pytest.fixture
async def as_owner(example):
    connection = await asyncpg.connect(example.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
async def as_admin(example):
    connection = await asyncpg.connect(example.admin_url)
    yield connection
    await connection.close()
