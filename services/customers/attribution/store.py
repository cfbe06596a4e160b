"""SQL of attribution: purchases of a venue, read from the shared read model."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from libs.common.postgres.database import Connection

if TYPE_CHECKING:
    import asyncpg

_BATCH: Final = 2000

# Grain: one purchase and currency, in any order. By index purchases_by_venue, whose range is the window;
# wholly returned ones too, since they still tell who was in a session.
_PURCHASES: Final = """
select order_id, customer_id, session_id, sold_at, currency, gross_minor, refund_minor, order_count,
       newest_fact_at
  from purchases
 where tenant_id = $1 and venue_id = $2 and sold_at >= $3 and sold_at < $4
"""


async def purchases(
    conn: Connection, tenant_id: UUID, venue_id: UUID, start: datetime, end: datetime
) -> "AsyncIterator[list[asyncpg.Record]]":
    """A venue's purchases of a time in batches, fetched as they are consumed."""
    cursor = await conn.cursor(_PURCHASES, tenant_id, venue_id, start, end)
    while batch := await cursor.fetch(_BATCH):
        yield batch
