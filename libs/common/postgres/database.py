"""A service's connection pool: every transaction is bound to a tenant before its first statement runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from libs.common.context import TenantScope
from libs.common.errors import DependencyUnavailable
from libs.common.postgres.errors import is_connection_lost, translated


@dataclass(eq=False, slots=True)
class _OpenTransaction:
    """A transaction in progress, so that code called inside it joins instead of opening a second one."""

    database: "Database"
    scope: TenantScope | None
    connection: AsyncConnection
    task: "asyncio.Task[Any] | None"
    broken: bool = False


_innermost: ContextVar[tuple[_OpenTransaction, ...]] = ContextVar("open_transactions", default=())


class Database:
    """Transactions of one role in one database.

    The engine runs in driver autocommit: BEGIN and COMMIT are sent here, so that opening a transaction and
    binding its tenant is one round trip and a COMMIT that PostgreSQL turned into a ROLLBACK is noticed.
    """

    def __init__(self, engine: AsyncEngine, *, pool_size: int) -> None:
        self._engine = engine
        self._pool_size = pool_size

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        application_name: str,
        pool_size: int = 8,
        statement_timeout_seconds: float = 10,
        lock_timeout_seconds: float = 3,
        pool_timeout_seconds: float = 5,
    ) -> Self:
        """A database whose connections are made when they are first needed.

        Args:
            url: `postgresql://` URL of the role; other query parameters go to the driver.
            application_name: Shown in pg_stat_activity.
            pool_size: Most connections this process holds.
            statement_timeout_seconds: Longest time of one statement, kept by the server.
            lock_timeout_seconds: Longest wait for one lock, kept by the server.
            pool_timeout_seconds: Longest wait for a free connection before `DatabaseBusy`.
        """
        engine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            isolation_level="AUTOCOMMIT",
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout_seconds,
            pool_use_lifo=True,
            connect_args={
                "timeout": 5,
                "prepared_statement_cache_size": 256,
                "server_settings": {
                    "application_name": application_name,
                    "statement_timeout": _milliseconds(statement_timeout_seconds),
                    "lock_timeout": _milliseconds(lock_timeout_seconds),
                    "idle_in_transaction_session_timeout": _milliseconds(
                        max(60, 2 * statement_timeout_seconds)
                    ),
                    "timezone": "UTC",
                    "jit": "off",
                },
            },
        )
        event.listen(engine.sync_engine, "reset", _refuse_open_transactions)
        return cls(engine, pool_size=pool_size)

    @asynccontextmanager
    async def transaction(self, scope: TenantScope) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees only this scope's rows; commits at exit, rolls back on any exception.

        Joins the transaction of this database that the same task already has open: then the outer block
        commits, and an exception that leaves the inner block makes the outer one roll back even when it is
        caught. A task started inside (gather, wait_for) does not join; it gets a transaction of its own.

        Raises:
            DatabaseBusy: No connection became free in time.
            StatementTimedOut: A statement took too long.
            TransactionConflict: A lock or a serialization conflict.
            DependencyUnavailable: The server is not reachable.
        """
        async with self._transaction(scope) as connection:
            yield connection

    @asynccontextmanager
    async def infrastructure(self) -> AsyncIterator[AsyncConnection]:
        """A transaction without a tenant, for the worker role on infrastructure tables."""
        async with self._transaction(None) as connection:
            yield connection

    async def check(self) -> None:
        """Return when the server answers.

        Raises:
            DependencyUnavailable: It does not.
            DatabaseBusy: No connection became free in time.
        """
        async with self.infrastructure() as connection:
            await driver(connection).fetchval("select 1")

    async def listen(self, channel: str, heard: Callable[[], None]) -> None:
        """Call `heard` on every notification of a channel until cancelled; holds one connection of the pool.

        Raises:
            DependencyUnavailable: The connection was lost, and notifications with it.
        """
        lost = asyncio.Event()
        try:
            async with self._engine.connect() as connection:
                raw = driver(connection)
                raw.add_termination_listener(lambda _: lost.set())
                await raw.add_listener(channel, lambda *_: heard())
                try:
                    await lost.wait()
                finally:
                    await connection.invalidate()
        except Exception as error:
            raise translated(error) or error from error
        raise DependencyUnavailable("PostgreSQL: the listening connection was lost", dependency="postgres")

    async def close(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def _transaction(self, scope: TenantScope | None) -> AsyncIterator[AsyncConnection]:
        outer = self._joinable()
        if outer is None:
            async with self._begun(scope) as connection:
                yield connection
            return
        if outer.scope != scope:
            raise RuntimeError("a transaction of another scope is open in this task")
        try:
            yield outer.connection
        except BaseException:
            outer.broken = True
            raise

    def _joinable(self) -> _OpenTransaction | None:
        task = asyncio.current_task()
        for opened in reversed(_innermost.get()):
            if opened.database is self and opened.task is task:
                return opened
        return None

    @asynccontextmanager
    async def _begun(self, scope: TenantScope | None) -> AsyncIterator[AsyncConnection]:
        try:
            connection = await self._open(_opening(scope))
        except Exception as error:
            raise translated(error) or error from error
        opened = _OpenTransaction(self, scope, connection, asyncio.current_task())
        outer = _innermost.get()
        _innermost.set((*outer, opened))
        try:
            yield connection
            await _commit(opened)
        except BaseException as error:
            await _roll_back(connection, error)
            if (expected := translated(error)) is not None:
                raise expected from error
            raise
        finally:
            opened.task = None
            _innermost.set(outer)
            await asyncio.shield(connection.close())

    async def _open(self, opening: str) -> AsyncConnection:
        """A connection inside its transaction; connections that died while they were idle are replaced."""
        for remaining in range(self._pool_size, -1, -1):
            connection = await self._engine.connect()
            try:
                await driver(connection).execute(opening)
            except BaseException as error:
                await connection.invalidate(error)
                await connection.close()
                if remaining == 0 or not is_connection_lost(error):
                    raise
            else:
                return connection
        raise AssertionError("unreachable: the last attempt returns or raises")


def driver(connection: AsyncConnection) -> "asyncpg.Connection[asyncpg.Record]":
    """The asyncpg connection below, for hot paths: arrays, COPY, executemany.

    A json or jsonb parameter is JSON text; a result is the value that the text stands for.
    """
    sync = connection.sync_connection
    assert sync is not None, "the connection is closed"
    raw = sync.connection.driver_connection
    assert raw is not None, "the connection was invalidated"
    return raw


def _opening(scope: TenantScope | None) -> str:
    """BEGIN and the tenant as one simple query; the literals are safe: UUID.__str__ takes only UUIDs."""
    if scope is None:
        return "BEGIN"
    if scope.venue_ids is None:
        grant = "*"
    else:
        grant = "{" + ",".join(sorted(UUID.__str__(venue_id) for venue_id in scope.venue_ids)) + "}"
    return (
        f"BEGIN; SELECT set_config('app.current_tenant', '{UUID.__str__(scope.tenant_id)}', true),"
        f" set_config('app.venue_grant', '{grant}', true)"
    )


async def _commit(opened: _OpenTransaction) -> None:
    if opened.broken:
        raise RuntimeError("a part of this transaction failed, so nothing of it was committed")
    outcome = await driver(opened.connection).execute("COMMIT")
    if outcome != "COMMIT":
        raise RuntimeError(f"the transaction had failed before its commit: {outcome}")


async def _roll_back(connection: AsyncConnection, error: BaseException) -> None:
    """Leave the connection clean, or throw it away when it cannot be cleaned."""
    if connection.invalidated:
        return
    try:
        raw = driver(connection)
        if not raw.is_closed() and raw.is_in_transaction():
            await asyncio.shield(raw.execute("ROLLBACK"))
        elif raw.is_closed():
            await connection.invalidate(error)
    except BaseException as failure:
        await connection.invalidate(failure)
        if not isinstance(failure, Exception):
            raise


def _refuse_open_transactions(dbapi_connection: Any, _record: Any, _state: Any) -> None:
    """Never hand on a connection while a transaction, and so a tenant, is still open on it."""
    raw = dbapi_connection.driver_connection
    if not raw.is_closed() and raw.is_in_transaction():
        raw.terminate()


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))
