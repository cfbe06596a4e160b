"""Running a service's migrations: one at a time across all replicas, each in its own bounded transaction."""

from collections.abc import Iterable
from importlib.resources import files

import asyncpg
from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

_LOCK = "select pg_advisory_lock(hashtextextended('migrations of ' || current_database(), 0))"
_FOUNDATION = ("foundation.sql", "partitions.sql")
# The app role compares it at the service's start. Alembic makes the table.
_SHOW_REVISION = (
    "do $$ begin execute format('grant select on alembic_version to %I', platform.role('app')); end $$"
)


async def run_migrations(
    service_package: str,
    owner_url: str,
    *,
    revision: str = "head",
    lock_timeout_seconds: float = 5,
    statement_timeout_seconds: float = 300,
    wait_seconds: float = 120,
) -> None:
    """Bring the service's database to a revision; a second process waits and then finds nothing to do.

    Args:
        service_package: For example `services.metrics`; its folder `migrations` holds env.py and versions/.
        owner_url: `postgresql://` URL of the owner role.
        revision: Target revision.
        lock_timeout_seconds: Longest wait for a table lock: a waiting migration queues up the service's work.
        statement_timeout_seconds: Longest single statement.
        wait_seconds: Longest wait for another process that migrates the same database.
    """
    guard = await asyncpg.connect(
        owner_url,
        server_settings={"lock_timeout": f"{wait_seconds:.0f}s", "application_name": "migrations-lock"},
    )
    try:
        await guard.execute(_LOCK)
        async with guard.transaction():
            for name in _FOUNDATION:
                await guard.execute(files(__package__).joinpath(name).read_text())
        await _upgrade(
            service_package,
            owner_url,
            revision,
            {
                "application_name": "migrations",
                "lock_timeout": f"{lock_timeout_seconds * 1000:.0f}",
                "statement_timeout": f"{statement_timeout_seconds * 1000:.0f}",
                "timezone": "UTC",
            },
        )
        await guard.execute(_SHOW_REVISION)
    finally:
        await guard.close()


def run_env() -> None:
    """The whole of a service's `migrations/env.py`: migrate on the connection of `run_migrations`."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


def apply(*pieces: str | Iterable[str]) -> None:
    """Run statements of a migration as they are written: colons and percent signs are literal."""
    bind = op.get_bind()
    for piece in pieces:
        for statement in (piece,) if isinstance(piece, str) else piece:
            bind.exec_driver_sql(statement)


async def _upgrade(service_package: str, owner_url: str, revision: str, settings: dict[str, str]) -> None:
    engine = create_async_engine(
        make_url(owner_url).set(drivername="postgresql+asyncpg"),
        poolclass=NullPool,
        connect_args={"server_settings": settings},
    )
    config = _config(service_package)

    def upgrade(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    async with engine.connect() as connection:
        await connection.run_sync(upgrade)
    await engine.dispose()


def _config(service_package: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files(service_package).joinpath("migrations")))
    return config
