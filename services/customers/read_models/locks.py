"""The lock of one tenant's read models: shared by every batch, held alone by whoever empties them."""

from uuid import UUID

from libs.common.postgres.database import Connection

# Grain: one tenant.
_SHARED = "select pg_advisory_xact_lock_shared(hashtextextended('read models of ' || $1::uuid::text, 0))"
_ALONE = "select pg_advisory_xact_lock(hashtextextended('read models of ' || $1::uuid::text, 0))"


async def lock_shared(conn: Connection, tenant_id: UUID) -> None:
    """Wait until nobody empties the tenant's read models."""
    await conn.execute(_SHARED, tenant_id)


async def lock_alone(conn: Connection, tenant_id: UUID) -> None:
    """Wait until nobody writes the tenant's read models."""
    await conn.execute(_ALONE, tenant_id)
