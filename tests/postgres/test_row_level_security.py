"""Row-level security as the app, worker and refresh roles meet it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from libs.common.context import TenantScope
from libs.common.postgres.audit import audit
from libs.common.postgres.maintenance import PartitionPlan, maintain_partitions, refresh
from libs.common.postgres.rls import materialized_view, tenant_table

DAY = datetime(2026, 3, 29, 12, tzinfo=UTC)
READING = "insert into readings (tenant_id, venue_id, recorded_at, value) values ($1, $2, $3, $4)"


async def add_orders(app, tenant_id, *venue_ids):
    async with app.transaction(TenantScope(tenant_id)) as connection:
        await connection.executemany(
            "insert into orders (tenant_id, venue_id) values ($1, $2)",
            [(tenant_id, venue_id) for venue_id in venue_ids],
        )


async def count(app, scope, table="orders"):
    async with app.transaction(scope) as connection:
        return await connection.fetchval(f"select count(*) from {table}")


async def test_a_venue_grant_limits_reads_and_writes(app):
    tenant, granted, other = uuid4(), uuid4(), uuid4()
    await add_orders(app, tenant, granted, granted, other, None)

    assert await count(app, TenantScope(tenant)) == 4
    assert await count(app, TenantScope(tenant, frozenset({granted}))) == 2
    assert await count(app, TenantScope(tenant, frozenset({granted, other}))) == 3
    assert await count(app, TenantScope(tenant, frozenset({uuid4()}))) == 0
    assert await count(app, TenantScope(tenant, frozenset())) == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with app.transaction(TenantScope(tenant, frozenset({granted}))) as connection:
            await connection.execute(
                "insert into orders (tenant_id, venue_id) values ($1, $2)", tenant, other
            )


@pytest.mark.parametrize(
    "table", ["orders", "labels", "readings", "outgoing", "reporting_views.order_totals"]
)
async def test_without_a_tenant_the_app_role_sees_no_row(example, app, table):
    tenant = uuid4()
    await add_orders(app, tenant, uuid4())
    connection = await asyncpg.connect(example.app_url)

    if table == "outgoing":  # the app role may only add to it
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetchval(f"select count(*) from {table}")
    else:
        assert await connection.fetchval(f"select count(*) from {table}") == 0
        for emptied in ("", "*"):
            await connection.execute("select set_config('app.venue_grant', $1, false)", emptied)
            await connection.execute("select set_config('app.current_tenant', '', false)")
            assert await connection.fetchval(f"select count(*) from {table}") == 0
    await connection.close()


async def test_a_tenant_without_a_venue_grant_setting_sees_no_venue_rows(example, app):
    tenant = uuid4()
    await add_orders(app, tenant, uuid4())
    connection = await asyncpg.connect(example.app_url)

    await connection.execute("select set_config('app.current_tenant', $1, false)", str(tenant))

    assert await connection.fetchval("select count(*) from orders") == 0
    await connection.close()


async def test_partitions_obey_the_parent_and_cannot_be_read_directly(example, app, as_owner):
    tenant, venue = uuid4(), uuid4()
    async with app.transaction(TenantScope(tenant)) as connection:
        await connection.execute(READING, tenant, venue, DAY, 1.0)

    assert await count(app, TenantScope(tenant), "readings") == 1
    assert await count(app, TenantScope(tenant, frozenset({venue})), "readings") == 1
    assert await count(app, TenantScope(tenant, frozenset({uuid4()})), "readings") == 0
    assert await count(app, TenantScope(uuid4()), "readings") == 0
    for role_url in (example.app_url, example.worker_url):
        direct = await asyncpg.connect(role_url)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await direct.fetchval("select count(*) from readings_p20260329")
        await direct.close()
    assert await as_owner.fetchval("select count(*) from readings_p20260329") == 0


async def test_partitions_are_utc_days_without_gaps(as_owner):
    names = await as_owner.fetch(
        """select inhrelid::regclass::text as name from pg_inherits
           where inhparent = 'readings'::regclass order by 1"""
    )

    assert [row["name"] for row in names][:5] == [
        "readings_p20260328",
        "readings_p20260329",
        "readings_p20260330",
        "readings_p20260331",
        "readings_p20260401",
    ]


async def test_the_worker_makes_partitions_ahead_and_drops_old_ones(app, worker, as_owner):
    tenant = uuid4()
    now = datetime(2031, 5, 10, 12, tzinfo=UTC)
    plan = PartitionPlan("ticks", ahead=timedelta(days=30), keep=timedelta(days=60))

    async def tick(at):
        async with app.transaction(TenantScope(tenant)) as connection:
            await connection.execute("insert into ticks (tenant_id, at) values ($1, $2)", tenant, at)

    with pytest.raises(asyncpg.CheckViolationError):
        await tick(now)
    dropped = await maintain_partitions(worker, [plan], now=now)
    assert dropped == ["ticks_p203101"]
    assert await maintain_partitions(worker, [plan], now=now) == []
    await tick(now)
    await tick(now + plan.ahead)
    async with worker.infrastructure() as connection:
        assert await connection.fetchval("select count(*) from ticks") == 2

    dropped = await maintain_partitions(worker, [plan], now=datetime(2031, 7, 31, 12, tzinfo=UTC))

    assert dropped == ["ticks_p203105"]
    assert await count(app, TenantScope(tenant), "ticks") == 1
    assert await audit(as_owner) == []


async def test_the_worker_may_not_touch_tables_that_are_not_registered(example):
    connection = await asyncpg.connect(example.worker_url)
    for call in ("ensure_partitions('orders', now(), now())", "drop_partitions('orders', now())"):
        with pytest.raises(asyncpg.InvalidParameterValueError):
            await connection.execute(f"select platform.{call}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("select platform.protect_table('orders')")
    await connection.close()


async def test_the_app_role_may_not_maintain_partitions(example):
    connection = await asyncpg.connect(example.app_url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("select platform.drop_partitions('readings', now())")
    await connection.close()


async def test_the_worker_sees_all_tenants_on_infrastructure_tables_only(app, worker):
    tenants = [uuid4(), uuid4()]
    for tenant in tenants:
        async with app.transaction(TenantScope(tenant)) as connection:
            await connection.execute("insert into outgoing (tenant_id, id) values ($1, 1)", tenant)

    async with worker.infrastructure() as connection:
        seen = await connection.fetch("select tenant_id from outgoing")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with worker.infrastructure() as connection:
            await connection.fetch("select * from labels")

    assert {row["tenant_id"] for row in seen} >= set(tenants)


async def test_a_materialized_view_is_refreshed_by_the_worker_and_read_per_tenant(example, app, worker):
    tenant, other, venue = uuid4(), uuid4(), uuid4()
    await add_orders(app, tenant, venue, venue)
    await add_orders(app, other, uuid4())

    await refresh(worker, "order_totals")

    async with app.transaction(TenantScope(tenant)) as connection:
        rows = await connection.fetch("select venue_id, order_count from reporting_views.order_totals")
    assert [tuple(row) for row in rows] == [(venue, 2)]
    assert await count(app, TenantScope(tenant, frozenset({uuid4()})), "reporting_views.order_totals") == 0
    for role_url in (example.app_url, example.worker_url):
        direct = await asyncpg.connect(role_url)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await direct.fetch("select * from materialized.order_totals")
        await direct.close()


async def test_the_app_and_worker_roles_cannot_change_the_schema_or_become_another_role(example):
    for role_url in (example.app_url, example.worker_url):
        connection = await asyncpg.connect(role_url)
        for statement in (
            "create table mine (id int)",
            "alter table orders disable row level security",
            "drop table orders",
            "truncate orders",
            "set role example_owner",
            "set role example_refresh",
            "create schema mine",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        await connection.close()


async def test_the_owner_sees_no_rows_either(app, as_owner):
    await add_orders(app, uuid4(), uuid4())

    assert await as_owner.fetchval("select count(*) from orders") == 0


async def test_another_services_roles_cannot_connect(postgres_server, example):
    stranger = await postgres_server.create_database("stranger")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(stranger.app_url, database=example.name)


async def test_the_policy_is_evaluated_once_a_statement_and_uses_the_index(app):
    async with app.transaction(TenantScope(uuid4(), frozenset({uuid4()}))) as connection:
        await connection.execute("set local enable_seqscan = off")
        plan = "\n".join(row[0] for row in await connection.fetch("explain select count(*) from orders"))

    assert "Index Cond: (tenant_id = (InitPlan" in plan
    assert "InitPlan" in plan
    assert "SubPlan" not in plan


@pytest.mark.parametrize("name", ["orders; drop table x", "Orders", "a.b.c", "", "orders'"])
def test_names_that_are_no_plain_names_are_refused(name):
    with pytest.raises(ValueError, match="plain"):
        tenant_table(name)
    with pytest.raises(ValueError, match="plain"):
        materialized_view("totals", "select 1", key=[name])
