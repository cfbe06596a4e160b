"""A service's connection pool: every transaction is bound to a tenant before its first statement runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Self, TypeAlias, cast
from uuid import UUID

import asyncpg

from libs.common.context import TenantScope
from libs.common.errors import DependencyUnavailable
from libs.common.postgres.errors import DatabaseBusy, is_connection_lost, translated

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_CLOSE_SECONDS: Final = 5


@dataclass(eq=False, slots=True)
class _OpenTransaction:
    """A transaction in progress, so that code called inside it joins instead of opening a second one."""

    database: "Database"
    scope: TenantScope | None
    connection: Connection
    task: "asyncio.Task[Any] | None"
    broken: bool = False


_innermost: ContextVar[tuple[_OpenTransaction, ...]] = ContextVar("open_transactions", default=())


class Database:
    """Transactions of one role in one database.

    BEGIN and COMMIT are sent here, so that opening a transaction and binding its tenant is one round trip,
    and a COMMIT that PostgreSQL turned into a ROLLBACK is noticed. Values of json and jsonb travel as text.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", *, pool_timeout_seconds: float) -> None:
        self._pool = pool
        self._pool_timeout_seconds = pool_timeout_seconds

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
        pool = asyncpg.create_pool(
            url,
            min_size=0,
            max_size=pool_size,
            timeout=5,
            statement_cache_size=256,
            reset=_refuse_open_transactions,
            server_settings={
                "application_name": application_name,
                "statement_timeout": _milliseconds(statement_timeout_seconds),
                "lock_timeout": _milliseconds(lock_timeout_seconds),
                "idle_in_transaction_session_timeout": _milliseconds(max(60, 2 * statement_timeout_seconds)),
                "timezone": "UTC",
                "jit": "off",
            },
        )
        return cls(pool, pool_timeout_seconds=pool_timeout_seconds)

    @asynccontextmanager
    async def transaction(self, scope: TenantScope) -> AsyncIterator[Connection]:
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
    async def infrastructure(self) -> AsyncIterator[Connection]:
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
            await connection.fetchval("select 1")

    async def listen(self, channel: str, heard: Callable[[], None]) -> None:
        """Call `heard` on every notification of a channel until cancelled; holds one connection of the pool.

        Raises:
            DependencyUnavailable: The connection was lost, and notifications with it.
        """
        lost = asyncio.Event()
        try:
            connection = await self._acquire()
            try:
                connection.add_termination_listener(lambda _: lost.set())
                await connection.add_listener(channel, lambda *_: heard())
                await lost.wait()
            finally:
                await self._discard(connection)
        except Exception as error:
            raise translated(error) or error from error
        raise DependencyUnavailable("PostgreSQL: the listening connection was lost", dependency="postgres")

    async def close(self) -> None:
        """Close all connections; those still in use after a few seconds are cut."""
        await self._pool  # an unused one has still to be made before it can be closed
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def _transaction(self, scope: TenantScope | None) -> AsyncIterator[Connection]:
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
    async def _begun(self, scope: TenantScope | None) -> AsyncIterator[Connection]:
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
            await _roll_back(connection)
            if (expected := translated(error)) is not None:
                raise expected from error
            raise
        finally:
            opened.task = None
            _innermost.set(outer)
            await asyncio.shield(self._pool.release(connection))

    async def _open(self, opening: str) -> Connection:
        """A connection inside its transaction; connections that died while they were idle are replaced."""
        for remaining in range(self._pool.get_max_size(), -1, -1):
            connection = await self._acquire()
            try:
                await connection.execute(opening)
            except BaseException as error:
                await self._discard(connection)
                if remaining == 0 or not is_connection_lost(error):
                    raise
            else:
                return connection
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _acquire(self) -> Connection:
        await self._pool  # made on first use; does nothing afterwards
        try:
            return cast("Connection", await self._pool.acquire(timeout=self._pool_timeout_seconds))
        except TimeoutError as error:
            if self._pool.get_idle_size() or self._pool.get_size() < self._pool.get_max_size():
                raise
            raise DatabaseBusy(
                "the database is busy; try again shortly", retry_after=timedelta(seconds=1)
            ) from error

    async def _discard(self, connection: Connection) -> None:
        _cut(connection)
        await asyncio.shield(self._pool.release(connection))


@asynccontextmanager
async def savepoint(connection: Connection) -> AsyncIterator[None]:
    """A part of the open transaction: an exception that leaves the body undoes the body alone."""
    await connection.execute("SAVEPOINT part")
    try:
        yield
    except BaseException:
        await connection.execute("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
        raise
    await connection.execute("RELEASE SAVEPOINT part")


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
    outcome = await opened.connection.execute("COMMIT")
    if outcome != "COMMIT":
        raise RuntimeError(f"the transaction had failed before its commit: {outcome}")


async def _roll_back(connection: Connection) -> None:
    """Leave the connection clean, or throw it away when it cannot be cleaned."""
    try:
        if not connection.is_closed() and connection.is_in_transaction():
            await asyncio.shield(connection.execute("ROLLBACK"))
    except BaseException as failure:
        _cut(connection)
        if not isinstance(failure, Exception):
            raise


def _cut(connection: Connection) -> None:
    with suppress(asyncpg.InterfaceError):  # one that the server closed has gone back to the pool by itself
        connection.terminate()


async def _refuse_open_transactions(connection: Connection) -> None:
    """Never hand on a connection while a transaction, and so a tenant, is still open on it."""
    if connection.is_in_transaction():
        raise RuntimeError("a connection came back with its transaction open")


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))
