"""SQL around a data set's statement; the caller's transaction is bound to tenant and venue grant."""

from collections.abc import AsyncGenerator, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from libs.common.postgres.database import Connection

_STATEMENT_SECONDS: Final = 60

# Settings of this transaction alone: nothing is written in it, a statement may sort a large window before its
# first row, and one whose reader has stopped reading is ended by the server.
_BOUND: Final = """
select set_config('transaction_read_only', 'on', true), set_config('statement_timeout', $1, true),
       set_config('idle_in_transaction_session_timeout', $2, true)
"""

# Grain: one show. Index: events_pkey.
_HAS_SHOW: Final = """
select exists (select from events
                where tenant_id = $1 and event_id = $2 and ($3::uuid is null or venue_id = $3))
"""


async def bound(conn: Connection, *, idle_seconds: float) -> None:
    """Make the transaction read only, give its statements time, and its pauses an end."""
    await conn.execute(_BOUND, f"{_STATEMENT_SECONDS}s", f"{round(idle_seconds * 1000)}ms")


async def has_show(conn: Connection, tenant_id: UUID, event_id: UUID, venue_id: UUID | None) -> bool:
    """Whether there is such a show, at the venue if one is given."""
    return bool(await conn.fetchval(_HAS_SHOW, tenant_id, event_id, venue_id))


class Rows:
    """The rows of one statement, fetched through a cursor of the server.

    Args:
        conn: A transaction that stays open until the last row.
        statement: The statement.
        *binds: Its binds.
    """

    def __init__(self, conn: Connection, statement: str, *binds: object) -> None:
        self._opening = conn.cursor(statement, *binds)

    async def batches(self, size: int) -> AsyncGenerator[Sequence[asyncpg.Record]]:
        """First an empty batch, when the snapshot has been taken; then all rows, at most `size` at a time."""
        cursor = await self._opening
        yield ()
        while rows := await cursor.fetch(size):
            yield rows
