"""DDL of protected tables, for migrations: each function gives the statements that `migrate.apply` runs.

The work is done by functions of the schema `platform` (foundation.sql, partitions.sql), because role names
are known only inside the database.
"""

import re
from collections.abc import Sequence
from typing import Literal

_NAME = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?")
_PRIVILEGES = re.compile(r"(select|insert|update|delete)(, (select|insert|update|delete))*")
ALL_ROWS = "select, insert, update, delete"


def tenant_table(name: str, *, venue_column: str | None = None, app: str = ALL_ROWS) -> tuple[str, ...]:
    """Forced row-level security by `tenant_id`, and by the token's venue grant when the table has a venue.

    Rows whose venue is null are visible only to callers without a venue grant.

    Args:
        name: The table; it has a column `tenant_id uuid not null`.
        venue_column: Its venue column, for tables whose rows belong to a venue.
        app: Privileges of the app role.
    """
    venue = "null" if venue_column is None else _literal(venue_column)
    return (f"select platform.protect_table({_literal(name)}, {venue}, '{_privileges(app)}')",)


def partitioned_table(
    name: str,
    *,
    grain: Literal["day", "month"],
    since: str = "now()",
    until: str = "now() + interval '7 days'",
    venue_column: str | None = None,
    app: str = ALL_ROWS,
    worker: bool = False,
) -> tuple[str, ...]:
    """A tenant table that is partitioned by range of a UTC timestamptz, with its first partitions.

    Partitions get the same policies and no grant: they cannot be read beside their parent.

    Args:
        name: The table, made with `partition by range (...)`.
        grain: Width of a partition.
        since: SQL expression of the oldest instant that needs a partition.
        until: SQL expression of the newest.
        venue_column: As in `tenant_table`.
        app: Privileges of the app role.
        worker: Whether the worker role sees all rows (infrastructure tables only).
    """
    return (
        *tenant_table(name, venue_column=venue_column, app=app),
        *(worker_policy(name) if worker else ()),
        f"select platform.partition_by_time({_literal(name)}, '{grain}', {since}, {until})",
    )


def worker_policy(name: str, *, privileges: str = ALL_ROWS) -> tuple[str, ...]:
    """Let the worker role see every tenant's rows: infrastructure tables only (outbox, jobs, schedules)."""
    return (f"select platform.open_to_worker({_literal(name)}, '{_privileges(privileges)}')",)


def refresh_policy(name: str) -> tuple[str, ...]:
    """Let the refresh role read every tenant's rows, for tables below materialized views."""
    return (f"select platform.open_to_refresh({_literal(name)})",)


def materialized_view(
    name: str, query: str, *, key: Sequence[str], venue_column: str | None = None
) -> tuple[str, ...]:
    """`materialized.<name>`, filled now, and `reporting_views.<name>`, the tenant's own rows of it.

    Args:
        name: Name of both.
        query: SELECT with a `tenant_id` column, over tables that have `refresh_policy`.
        key: Columns that identify a row; REFRESH CONCURRENTLY needs them.
        venue_column: The query's venue column, if rows belong to venues.
    """
    if "$materialized$" in query:
        raise ValueError("the query contains its own quotation mark")
    columns = ", ".join(_checked(column) for column in key)
    venue = "null" if venue_column is None else _literal(venue_column)
    quoted = f"$materialized${query}$materialized$"
    return (f"select platform.materialize({_literal(name)}, {quoted}, '{columns}', {venue})",)


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a plain lower-case SQL name: {name!r}")
    return name


def _literal(name: str) -> str:
    return f"'{_checked(name)}'"


def _privileges(privileges: str) -> str:
    if not _PRIVILEGES.fullmatch(privileges):
        raise ValueError(f"not a list of row privileges: {privileges!r}")
    return privileges
