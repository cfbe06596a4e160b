"""A migrated database with schedules and runs, as the app and the worker role."""

import pytest

from libs.common.postgres.database import Database
from libs.common.postgres.migrate import run_migrations


@pytest.fixture(scope="session")
async def jobs_database(postgres_server):
    database = await postgres_server.create_database("example")
    await run_migrations("tests.postgres.example", database.owner_url)
    return database


@pytest.fixture
async def app(jobs_database):
    database = Database.connect(jobs_database.app_url, application_name="tests", pool_size=2)
    yield database
    await database.close()


@pytest.fixture
async def worker(jobs_database):
    database = Database.connect(jobs_database.worker_url, application_name="tests", pool_size=6)
    async with database.infrastructure() as connection:
        await connection.execute("delete from job_runs")
        await connection.execute("delete from job_schedules")
    yield database
    await database.close()
