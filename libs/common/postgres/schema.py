"""Whether a database has the schema that this version of its service is written for."""

import asyncio
from contextlib import suppress
from importlib.resources import files
from typing import Final

import asyncpg
import structlog

from libs.common.errors import AnalyticsError, DependencyUnavailable, Kind
from libs.common.postgres.database import Database

_LOOK_EVERY_SECONDS: Final = 1.0

# Grain: the one row that alembic keeps; `run_migrations` lets the app role read it.
_REVISION = "select version_num from alembic_version"

_log = structlog.get_logger()


class SchemaBehind(AnalyticsError):
    """The database lacks migrations that this version of the service needs."""

    kind = Kind.FAILED_PRECONDITION
    reason = "SCHEMA_BEHIND"


class SchemaAhead(AnalyticsError):
    """The database has migrations of a newer version of the service."""

    kind = Kind.FAILED_PRECONDITION
    reason = "SCHEMA_AHEAD"


async def becomes_current(service_package: str, database: Database, *, stop: asyncio.Event) -> bool:
    """True when the database has exactly this version's schema; False when `stop` was set before.

    What is in the way is logged once. A process that waits goes on by itself when the migrations were run, or
    the server is back, and is not started again and again meanwhile.
    """
    said = ""
    while not stop.is_set():
        try:
            await require_current_schema(service_package, database)
        except (SchemaBehind, SchemaAhead, DependencyUnavailable) as refusal:
            if refusal.message != said:
                said = refusal.message
                _log.error(f"not ready: {said}", reason=refusal.reason)
        else:
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_EVERY_SECONDS):
                await stop.wait()
    return False


async def require_current_schema(service_package: str, database: Database) -> None:
    """Return when the database is at the newest revision that this version of the service knows.

    Args:
        service_package: For example `services.metrics`; its folder `migrations` holds versions/.
        database: Of the app role.

    Raises:
        SchemaBehind: Migrations are missing.
        SchemaAhead: It was migrated by a newer version.
        DependencyUnavailable: The server is not reachable.
    """
    needed = newest_revision(service_package)
    current = await _revision_of(database)
    if current is None or current < needed:
        raise SchemaBehind(
            f"the database has migrations up to {current or 'none'} and this version needs {needed}:"
            f" run `python -m {service_package} migrate`",
            current=current,
            needed=needed,
        )
    if current > needed:
        raise SchemaAhead(
            f"the database has migrations up to {current} and this version knows them up to {needed}:"
            f" run `python -m {service_package}` of the version that migrated it",
            current=current,
            needed=needed,
        )


def newest_revision(service_package: str) -> str:
    """The number of the newest migration: files are named by it, so that none has to be imported."""
    versions = files(service_package).joinpath("migrations", "versions")
    return max(file.name.partition("_")[0] for file in versions.iterdir() if file.name.endswith(".py"))


async def _revision_of(database: Database) -> str | None:
    """The number of the last migration that was run; None: none that let the app role know of it."""
    try:
        async with database.infrastructure() as connection:
            revision: str | None = await connection.fetchval(_REVISION)
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        return None
    return revision
