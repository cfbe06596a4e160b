"""Time for statements over a tenant's whole history."""

from libs.common.postgres.database import Connection

# Of this transaction alone: a tenant's whole history takes longer than an answer may.
_PATIENT = "set local statement_timeout = '30min'"


async def take_time(conn: Connection) -> None:
    """Let statements of this transaction take as long as a run may."""
    await conn.execute(_PATIENT)
