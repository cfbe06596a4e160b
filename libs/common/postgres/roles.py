"""The four roles of a service and its database, made idempotently by an administrator."""

from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg


@dataclass(frozen=True, slots=True)
class RolePasswords:
    """Passwords of the roles that log in; the refresh role never does."""

    owner: str = field(repr=False)
    app: str = field(repr=False)
    worker: str = field(repr=False)


_ROLE = "select format('create role %I nologin', $1::text) where to_regrole(quote_ident($1)) is null"
_LOGIN = (
    "select format('alter role %I login password %L nosuperuser nobypassrls nocreatedb nocreaterole',"
    " $1::text, $2::text)"
)
_SET_ONLY = "select format('grant %I to %I with inherit false, set true', $1::text, $2::text)"
_DATABASE = (
    "select format('create database %I owner %I', $1::text, $2::text)"
    " where not exists (select from pg_database where datname = $1)"
)
# The worker may not be reached by the app's password, and nobody else may connect at all.
_CONNECTIONS = (
    "select format('revoke all on database %I from public', $1::text)",
    "select format('grant connect, temporary on database %I to %I', $1::text, $2 || '_app')",
    "select format('grant connect, temporary on database %I to %I', $1::text, $2 || '_worker')",
    # REFRESH ... CONCURRENTLY builds its difference in a temporary table.
    "select format('grant temporary on database %I to %I', $1::text, $2 || '_refresh')",
)
_SCHEMA = (
    "select format('alter schema public owner to %I', $1 || '_owner')",
    "select 'revoke all on schema public from public'",
    (
        "select format('grant usage on schema public to %I, %I, %I',"
        " $1 || '_app', $1 || '_worker', $1 || '_refresh')"
    ),
)


async def provision(admin_url: str, *, service: str, database: str, passwords: RolePasswords) -> None:
    """Make or repair `<service>_owner`, `_app`, `_worker`, `_refresh` and the database they share.

    The owner migrates, the app and the worker own nothing, the refresh role owns materialized views and
    only ever lives inside REFRESH. Running it again changes nothing but the passwords.

    Args:
        admin_url: URL of a role that may create roles and databases; its database is not changed.
        service: Prefix of the role names.
        database: Name of the service's database.
        passwords: Passwords of the three roles that log in.
    """
    admin = await asyncpg.connect(admin_url)
    try:
        for kind in ("owner", "app", "worker", "refresh"):
            await _run(admin, _ROLE, f"{service}_{kind}")
        await _run(admin, _LOGIN, f"{service}_owner", passwords.owner)
        await _run(admin, _LOGIN, f"{service}_app", passwords.app)
        await _run(admin, _LOGIN, f"{service}_worker", passwords.worker)
        if not await admin.fetchval("select rolsuper from pg_roles where rolname = current_user"):
            await _run(admin, _SET_ONLY, f"{service}_owner", await admin.fetchval("select current_user"))
        await _run(admin, _SET_ONLY, f"{service}_refresh", f"{service}_owner")
        await _run(admin, _DATABASE, database, f"{service}_owner")
        await _run(admin, _CONNECTIONS[0], database)
        for grant in _CONNECTIONS[1:]:
            await _run(admin, grant, database, service)
    finally:
        await admin.close()

    inside = await asyncpg.connect(admin_url, database=database)
    try:
        await _run(inside, _SCHEMA[0], service)
        await _run(inside, _SCHEMA[1])
        await _run(inside, _SCHEMA[2], service)
    finally:
        await inside.close()


def role_url(admin_url: str, *, role: str, password: str, database: str) -> str:
    """The administrator's URL with another role and database: same server, same options."""
    parts = urlsplit(admin_url)
    server = parts.netloc.rpartition("@")[2]
    netloc = f"{quote(role, safe='')}:{quote(password, safe='')}@{server}"
    return urlunsplit(parts._replace(netloc=netloc, path=f"/{quote(database, safe='')}"))


async def _run(connection: "asyncpg.Connection[asyncpg.Record]", statement_maker: str, *names: str) -> None:
    """Let the server quote the names into a statement (utility statements take no binds), then run it."""
    statement = await connection.fetchval(statement_maker, *names)
    if statement is not None:
        await connection.execute(statement)
