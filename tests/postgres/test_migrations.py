"""Migrations run once and one at a time; roles and databases can be made again."""

import asyncio

import asyncpg
import pytest

from libs.common.postgres.migrate import run_migrations
from libs.common.postgres.roles import RolePasswords, provision, role_url

SERVICE = "tests.postgres.example"


async def test_two_processes_may_migrate_at_the_same_time_and_again(postgres_server):
    database = await postgres_server.create_database("example")

    await asyncio.gather(*(run_migrations(SERVICE, database.owner_url) for _ in range(3)))
    await run_migrations(SERVICE, database.owner_url)

    owner = await asyncpg.connect(database.owner_url)
    assert await owner.fetchval("select version_num from alembic_version") == "0002"
    await owner.close()


async def test_a_migration_waits_only_so_long_for_another_one(postgres_server):
    database = await postgres_server.create_database("example")
    other = await asyncpg.connect(database.owner_url)
    await other.execute(
        "select pg_advisory_lock(hashtextextended('migrations of ' || current_database(), 0))"
    )

    with pytest.raises(asyncpg.LockNotAvailableError):
        await run_migrations(SERVICE, database.owner_url, wait_seconds=1)

    await other.close()


async def test_provisioning_again_changes_only_the_passwords(postgres_server):
    names = {"service": "again", "database": "again_db"}
    odd = RolePasswords(owner="o", app="it's a pass/@:%wörd", worker="w")

    for passwords in (RolePasswords("a", "b", "c"), odd):
        await provision(postgres_server.admin_url, passwords=passwords, **names)

    url = role_url(postgres_server.admin_url, role="again_app", password=odd.app, database="again_db")
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("select current_user") == "again_app"
    await connection.close()
    old = role_url(postgres_server.admin_url, role="again_app", password="b", database="again_db")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(old)
