"""The audit finds each way in which a table can be left unprotected."""

import pytest

from libs.common.postgres.audit import audit

BARE = "create table bare (tenant_id uuid, id bigint)"
MISTAKES = {
    "no forced row-level security": [BARE, "alter table bare enable row level security"],
    "no policy named tenant": [BARE],
    "tenant_id may be null": [BARE],
    "no index starts with tenant_id": [BARE, "grant select on bare to example_app"],
    "shows every row to more than": ["create policy everyone on orders using (true)"],
    "the partition itself is granted to example_app": ["grant select on readings_p20260330 to example_app"],
    "granted to public": ["grant select on labels to public"],
    "may truncate": ["grant truncate on labels to example_app"],
    "not a tenant table, yet example_app may insert": [
        "create table plain (id bigint)",
        "grant insert on plain to example_app",
    ],
    "a materialized view that the app role can read": [
        "create materialized view public.leak as select 1 as one",
        "grant select on public.leak to example_app",
    ],
    "no security barrier": ["create view open_view as select * from orders"],
    "a barrier view without the tenant": [
        "create view open_view with (security_barrier) as select * from orders"
    ],
    "no fixed search_path": ["create function f() returns int language sql security definer return 1"],
    "that anyone may run": ["create function f() returns int language sql security definer return 1"],
    "without partitions": ["create table parted (id bigint) partition by range (id)"],
    "neither superuser nor free": ["alter role example_worker bypassrls"],
    "owned by example_app": ["create table theirs (id bigint)", "alter table theirs owner to example_app"],
}


async def test_a_migrated_database_has_no_problem(as_owner):
    assert await audit(as_owner) == []


@pytest.mark.parametrize("problem", MISTAKES)
async def test_the_audit_names_the_mistake(as_admin, problem):
    transaction = as_admin.transaction()
    await transaction.start()

    for statement in MISTAKES[problem]:
        await as_admin.execute(statement)
    problems = await audit(as_admin)

    await transaction.rollback()
    assert any(problem in found for found in problems), problems
