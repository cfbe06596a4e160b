"""A database that is not at its service's newest migration is noticed, and the refusal says what to run."""

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from deploy.local.ports import free_port
from libs.common.errors import DependencyUnavailable
from libs.common.postgres.database import Database
from libs.common.postgres.migrate import run_migrations
from libs.common.postgres.schema import SchemaAhead, SchemaBehind, newest_revision, require_current_schema

SERVICE = "tests.postgres.example"


@pytest.fixture
async def empty(postgres_server):
    service = await postgres_server.create_database("example")
    yield service
    await postgres_server.drop_database(service)


@pytest.fixture
async def database(empty):
    database = Database.connect(empty.app_url, application_name="tests", pool_size=1)
    yield database
    await database.close()


async def test_the_app_role_tells_missing_migrations_from_run_ones(empty, database):
    with pytest.raises(SchemaBehind) as nothing:
        await require_current_schema(SERVICE, database)
    await run_migrations(SERVICE, empty.owner_url, revision="0001")
    with pytest.raises(SchemaBehind) as one_behind:
        await require_current_schema(SERVICE, database)
    await run_migrations(SERVICE, empty.owner_url)

    await require_current_schema(SERVICE, database)
    command = "run `python -m tests.postgres.example migrate`"
    assert nothing.value.message == (
        f"the database has migrations up to none and this version needs 0002: {command}"
    )
    assert one_behind.value.message == (
        f"the database has migrations up to 0001 and this version needs 0002: {command}"
    )


async def test_migrations_of_a_newer_version_are_refused(empty, database):
    await run_migrations(SERVICE, empty.owner_url)
    owner = await asyncpg.connect(empty.owner_url)
    await owner.execute("update alembic_version set version_num = '0003'")
    await owner.close()

    with pytest.raises(SchemaAhead) as refusal:
        await require_current_schema(SERVICE, database)

    assert "up to 0003 and this version knows them up to 0002" in refusal.value.message


async def test_a_role_that_may_not_see_the_revision_is_told_to_migrate(empty, database):
    await run_migrations(SERVICE, empty.owner_url)
    owner = await asyncpg.connect(empty.owner_url)
    await owner.execute("revoke select on alembic_version from example_app")
    await owner.close()

    with pytest.raises(SchemaBehind):
        await require_current_schema(SERVICE, database)
    await run_migrations(SERVICE, empty.owner_url)

    await require_current_schema(SERVICE, database)


async def test_a_server_that_is_away_is_not_taken_for_a_schema():
    nowhere = Database.connect(f"postgresql://nobody:x@127.0.0.1:{free_port()}/x", application_name="tests")

    with pytest.raises(DependencyUnavailable):
        await require_current_schema(SERVICE, nowhere)

    await nowhere.close()


@pytest.mark.parametrize("package", [SERVICE, "services.metrics", "services.customers"])
def test_the_newest_file_is_the_head_that_alembic_finds(package):
    config = Config()
    config.set_main_option("script_location", f"{package.replace('.', '/')}/migrations")

    heads = ScriptDirectory.from_config(config).get_heads()

    assert heads == [newest_revision(package)]
