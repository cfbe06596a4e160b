"""A migrated metrics database for the session; tests are kept apart by tenants of their own."""

import asyncpg
import pytest

from libs.common.postgres.database import Database


@pytest.fixture(scope="session")
async def metrics_service(postgres_server):
    """URLs of the migrated database's roles."""
    service = await postgres_server.create_database("metrics", migrated=True)
    yield service
    await postgres_server.drop_database(service)


@pytest.fixture(scope="session")
async def database(metrics_service):
    """The app role's database."""
    database = Database.connect(metrics_service.app_url, application_name="tests", pool_size=8)
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def worker_database(metrics_service):
    """The worker role's database."""
    database = Database.connect(metrics_service.worker_url, application_name="tests", pool_size=4)
    yield database
    await database.close()


@pytest.fixture
async def as_admin(metrics_service):
    """A superuser's connection, which row-level security does not bind."""
    connection = await asyncpg.connect(metrics_service.admin_url)
    yield connection
    await connection.close()
