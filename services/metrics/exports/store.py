"""SQL around a data set's statement; the caller's transaction is bound to tenant and venue grant."""

from typing import Final
from uuid import UUID

from libs.common.postgres.database import Connection

# Grain: one show. Index: events_pkey.
_HAS_SHOW: Final = """
select exists (select from events
                where tenant_id = $1 and event_id = $2 and ($3::uuid is null or venue_id = $3))
"""


async def has_show(conn: Connection, tenant_id: UUID, event_id: UUID, venue_id: UUID | None) -> bool:
    """Whether there is such a show, at the venue if one is given."""
    return bool(await conn.fetchval(_HAS_SHOW, tenant_id, event_id, venue_id))
