"""Whether a tenant's read models are whole, for whoever computes something from all of them."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from libs.common.postgres.database import Connection
from services.customers.errors import RebuildInProgress
from services.customers.read_models.locks import lock_shared

_COME_BACK: Final = timedelta(minutes=15)

# Grain: one tenant. Index: read_model_rebuilds_pkey.
_IS_REBUILDING: Final = """
select exists (select from read_model_rebuilds where tenant_id = $1 and finished_at is null)
"""


async def require_whole(conn: Connection, tenant_id: UUID) -> None:
    """Return when the read models are whole; they stay so until the open transaction ends.

    Call it before the first fact is read. A rebuild that begins meanwhile waits for the transaction, as it
    waits for the batches of consumers.

    Args:
        conn: The tenant's open transaction.
        tenant_id: The tenant.

    Raises:
        RebuildInProgress: A rebuild has emptied them and has not come to its end.
        TransactionConflict: They are being emptied just now.
    """
    await lock_shared(conn, tenant_id)
    if await conn.fetchval(_IS_REBUILDING, tenant_id):
        raise RebuildInProgress(
            "the read models of the tenant are being rebuilt; try again when that is done",
            retry_after=_COME_BACK,
        )
