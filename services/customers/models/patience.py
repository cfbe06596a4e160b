"""Time for statements over a tenant's whole history."""

from libs.common.postgres.database import Connection

# Of this transaction alone: a tenant's whole history takes longer than an answer may.
_PATIENT = "set local statement_timeout = '30min'"
# Who scores a whole tenant holds their locks for longer than a call waits for one.
_IN_TURN = "set local lock_timeout = '2min'"


async def take_time(conn: Connection) -> None:
    """Let statements of this transaction take as long as a run may."""
    await conn.execute(_PATIENT)


async def wait_in_turn(conn: Connection) -> None:
    """Let this transaction wait for the end of another run."""
    await conn.execute(_IN_TURN)
