"""Rows of one statement as they are at one moment, read through a cursor, so that memory holds one batch."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from libs.common.context import TenantScope
from libs.common.errors import AnalyticsError, Kind
from libs.common.postgres.database import Connection, Database

BATCH_ROWS: Final = 4_000
Batch = Sequence[Sequence[Any]]
_STATEMENT_SECONDS: Final = 60
_RETRY: Final = timedelta(seconds=5)

# Settings of this transaction alone: nothing is written in it, a statement may sort a large window before its
# first row, and one whose reader has stopped reading is ended by the server.
_BOUND: Final = """
select set_config('transaction_read_only', 'on', true), set_config('statement_timeout', $1, true),
       set_config('idle_in_transaction_session_timeout', $2, true)
"""


class ExportsBusy(AnalyticsError):
    """As many exports as may are being read from this replica."""

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "EXPORTS_BUSY"


class Snapshots:
    """Reads statements for exports.

    One transaction stays open across the yields of an export, which nothing else does: an export promises one
    snapshot, and a snapshot lives as long as its transaction. What bounds it: a reader that takes nothing is
    cut off by the server, the token of the caller ends it, a caller that goes away closes the cursor, and
    only a few connections of the pool can be taken in this way.

    Args:
        database: The service's database.
        most_at_once: Exports that this process serves at once.
        idle_seconds: How long a reader may take nothing.
    """

    def __init__(self, database: Database, *, most_at_once: int = 2, idle_seconds: float = 60.0) -> None:
        self._database = database
        self._free = most_at_once
        self._idle = f"{round(idle_seconds * 1000)}ms"

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The right to read one export, until the body ends.

        Raises:
            ExportsBusy: As many exports as may run are running.
        """
        if not self._free:
            raise ExportsBusy("this replica exports as much as it may; try again", retry_after=_RETRY)
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    async def batches(
        self,
        scope: TenantScope,
        statement: str,
        *binds: object,
        check: Callable[[Connection], Awaitable[None]] | None = None,
    ) -> AsyncGenerator[Batch]:
        """First an empty batch, when the snapshot has been taken; then all rows of the statement.

        Args:
            scope: Whose rows.
            statement: What to read.
            *binds: Its binds.
            check: Refuses what must not be read, before it is.

        Raises:
            StatementTimedOut: The rows cannot be put in order in time.
            DependencyUnavailable: The database is not reachable, or cut off a reader that took nothing.
        """
        async with self._database.transaction(scope) as conn:
            await conn.execute(_BOUND, f"{_STATEMENT_SECONDS}s", self._idle)
            if check is not None:
                await check(conn)
            # A cursor in READ COMMITTED keeps the snapshot of its one statement until it is closed.
            cursor = await conn.cursor(statement, *binds)
            yield ()
            while rows := await cursor.fetch(BATCH_ROWS):
                yield rows
