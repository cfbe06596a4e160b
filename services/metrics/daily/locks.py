"""The lock of one tenant's days: shared by writers, held alone by whoever replaces days."""

from uuid import UUID

from libs.common.postgres.database import Connection

# Grain: one tenant. Both tell as well whether the tenant's nightly check is scheduled (job_schedules_pkey),
# which every batch has to know: one round trip instead of two.
_LOCK_SHARED = """
select exists (select from job_schedules where tenant_id = $1 and id = $2) as is_checked,
       pg_advisory_xact_lock_shared(hashtextextended('days of ' || $1::uuid::text, 0))
"""
_LOCK_ALONE = """
select exists (select from job_schedules where tenant_id = $1 and id = $2) as is_checked,
       pg_advisory_xact_lock(hashtextextended('days of ' || $1::uuid::text, 0))
"""


async def lock_shared(conn: Connection, tenant_id: UUID, schedule_id: UUID) -> bool:
    """Wait until nobody replaces days of the tenant; returns whether its check is scheduled."""
    return bool(await conn.fetchval(_LOCK_SHARED, tenant_id, schedule_id))


async def lock_alone(conn: Connection, tenant_id: UUID, schedule_id: UUID) -> bool:
    """Wait until nobody writes days of the tenant; returns whether its check is scheduled."""
    return bool(await conn.fetchval(_LOCK_ALONE, tenant_id, schedule_id))
