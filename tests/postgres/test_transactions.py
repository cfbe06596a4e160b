"""Transactions: tenant binding, joining, failures and what callers get to see of them."""

import asyncio
import time
from uuid import uuid4

import asyncpg
import pytest

from libs.common.context import TenantScope
from libs.common.errors import DependencyUnavailable
from libs.common.postgres.database import Database, savepoint
from libs.common.postgres.errors import DatabaseBusy, StatementTimedOut, TransactionConflict

INSERT = "insert into labels (tenant_id, name) values ($1, $2)"
NAMES = "select name from labels order by name"


def scope(*venue_ids):
    return TenantScope(uuid4(), frozenset(venue_ids) or None)


async def names(database, tenant):
    async with database.transaction(tenant) as connection:
        return [row["name"] for row in await connection.fetch(NAMES)]


async def test_commit_at_exit_and_rollback_on_an_exception(app):
    tenant = scope()

    async with app.transaction(tenant) as connection:
        await connection.execute(INSERT, tenant.tenant_id, "kept")
    with pytest.raises(ZeroDivisionError):
        async with app.transaction(tenant) as connection:
            await connection.execute(INSERT, tenant.tenant_id, "lost")
            raise ZeroDivisionError

    assert await names(app, tenant) == ["kept"]


async def test_a_tenant_never_sees_another_tenants_rows_on_the_same_connection(example):
    database = Database.connect(example.app_url, application_name="tests", pool_size=1)
    ours, theirs = scope(), scope()
    async with database.transaction(ours) as connection:
        await connection.execute(INSERT, ours.tenant_id, "ours")

    assert await names(database, theirs) == []
    async with database.infrastructure() as connection:
        assert await connection.fetch(NAMES) == []
    assert await names(database, ours) == ["ours"]
    await database.close()


async def test_writing_a_row_of_another_tenant_is_refused(app):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with app.transaction(scope()) as connection:
            await connection.execute(INSERT, uuid4(), "stolen")


async def test_an_inner_transaction_joins_the_outer_one(app):
    tenant = scope()

    with pytest.raises(ZeroDivisionError):
        async with app.transaction(tenant) as outer:
            async with app.transaction(tenant) as inner:
                assert inner is outer
                await inner.execute(INSERT, tenant.tenant_id, "inner")
            raise ZeroDivisionError

    assert await names(app, tenant) == []


async def test_an_inner_failure_that_is_caught_still_rolls_everything_back(app):
    tenant = scope()

    with pytest.raises(RuntimeError, match="nothing of it was committed"):
        async with app.transaction(tenant) as outer:
            await outer.execute(INSERT, tenant.tenant_id, "outer")
            with pytest.raises(ZeroDivisionError):
                async with app.transaction(tenant):
                    raise ZeroDivisionError

    assert await names(app, tenant) == []


async def test_a_commit_that_postgres_turned_into_a_rollback_is_an_error(app):
    tenant = scope()

    with pytest.raises(RuntimeError, match="had failed"):
        async with app.transaction(tenant) as connection:
            await connection.execute(INSERT, tenant.tenant_id, "twice")
            with pytest.raises(asyncpg.UniqueViolationError):
                await connection.execute(INSERT, tenant.tenant_id, "twice")

    assert await names(app, tenant) == []


async def test_a_savepoint_confines_a_failure(app):
    tenant = scope()

    async with app.transaction(tenant) as connection:
        await connection.execute(INSERT, tenant.tenant_id, "first")
        with pytest.raises(asyncpg.UniqueViolationError):
            async with savepoint(connection):
                await connection.execute(INSERT, tenant.tenant_id, "first")
        await connection.execute(INSERT, tenant.tenant_id, "second")

    assert await names(app, tenant) == ["first", "second"]


async def test_joining_with_another_scope_is_a_mistake(app):
    async with app.transaction(scope()):
        with pytest.raises(RuntimeError, match="another scope"):
            async with app.transaction(scope()):
                pass


async def test_a_task_started_inside_a_transaction_has_its_own(app):
    tenant = scope()

    async def write_apart():
        async with app.transaction(tenant) as connection:
            await connection.execute(INSERT, tenant.tenant_id, "apart")

    with pytest.raises(ZeroDivisionError):
        async with app.transaction(tenant) as connection:
            await connection.execute(INSERT, tenant.tenant_id, "inside")
            await asyncio.create_task(write_apart())
            raise ZeroDivisionError

    assert await names(app, tenant) == ["apart"]


async def test_a_cancelled_transaction_leaves_a_clean_connection(example):
    database = Database.connect(example.app_url, application_name="tests", pool_size=1)
    tenant = scope()

    async def stuck():
        async with database.transaction(tenant) as connection:
            await connection.execute(INSERT, tenant.tenant_id, "cancelled")
            await connection.execute("select pg_sleep(30)")

    task = asyncio.create_task(stuck())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await names(database, tenant) == []
    await database.close()


async def test_no_free_connection_is_answered_as_busy(example):
    database = Database.connect(
        example.app_url, application_name="tests", pool_size=1, pool_timeout_seconds=0.1
    )

    async def other_call():
        async with database.transaction(scope()):
            pass

    async with database.transaction(scope()):
        with pytest.raises(DatabaseBusy) as refusal:
            await asyncio.create_task(other_call())

    assert refusal.value.retry_after is not None
    await database.close()


async def test_a_slow_statement_is_answered_as_timed_out(example):
    database = Database.connect(example.app_url, application_name="tests", statement_timeout_seconds=0.1)

    for through_driver in (True, False):
        with pytest.raises(StatementTimedOut):
            async with database.transaction(scope()) as connection:
                if through_driver:
                    await connection.execute("select pg_sleep(5)")
                else:
                    await connection.execute("select pg_sleep(5)")

    await database.close()


async def test_a_lock_that_is_not_free_in_time_is_a_conflict(example):
    database = Database.connect(example.app_url, application_name="tests", lock_timeout_seconds=0.1)
    tenant = scope()

    async def other_call():
        async with database.transaction(tenant) as connection:
            await connection.execute(INSERT, tenant.tenant_id, "same")

    async with database.transaction(tenant) as connection:
        await connection.execute(INSERT, tenant.tenant_id, "same")
        with pytest.raises(TransactionConflict):
            await asyncio.create_task(other_call())

    await database.close()


async def test_connections_that_died_while_idle_are_replaced_unseen(example, as_admin):
    database = Database.connect(example.app_url, application_name="doomed", pool_size=3)

    async def hold(barrier):
        async with database.transaction(scope()):
            await barrier.wait()

    barrier = asyncio.Barrier(3)
    await asyncio.gather(*(hold(barrier) for _ in range(3)))
    killed = await as_admin.fetchval(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'doomed'"
    )

    assert killed == 3
    await database.check()
    await database.close()


async def test_a_connection_lost_inside_a_transaction_is_unavailable_and_the_next_call_works(
    example, as_admin
):
    database = Database.connect(example.app_url, application_name="doomed-2", pool_size=1)

    with pytest.raises(DependencyUnavailable):
        async with database.transaction(scope()) as connection:
            pid = await connection.fetchval("select pg_backend_pid()")
            await as_admin.execute("select pg_terminate_backend($1)", pid)
            for _ in range(100):
                await connection.fetchval("select 1")
                await asyncio.sleep(0.01)

    await database.check()
    await database.close()


async def test_a_server_that_does_not_answer_is_unavailable():
    database = Database.connect("postgresql://nobody:x@127.0.0.1:1/none", application_name="tests")

    started = time.monotonic()
    with pytest.raises(DependencyUnavailable):
        await database.check()

    assert time.monotonic() - started < 5
    await database.close()
