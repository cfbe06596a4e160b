"""SQL of a rebuild; the caller's transaction is bound to the tenant."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.raw_events.store import Position

EMPTIED: Final = (
    "delete from events where tenant_id = $1",
    "delete from ticket_types where tenant_id = $1",
    "delete from orders where tenant_id = $1",
    "delete from refunds where tenant_id = $1",
    "delete from order_lines where tenant_id = $1",
    "delete from order_sessions where tenant_id = $1",
    "delete from sales_rollup where tenant_id = $1",
    "delete from ticket_counts where tenant_id = $1",
    "delete from session_activity where tenant_id = $1",
    "delete from session_days where tenant_id = $1",
    "delete from sessions where tenant_id = $1",
    "delete from session_histories where tenant_id = $1",
    "delete from session_gaps where tenant_id = $1",
    "delete from tickets where tenant_id = $1",
    "delete from scans where tenant_id = $1",
    "delete from ticket_status_counts where tenant_id = $1",
    "delete from gates where tenant_id = $1",
    "delete from gate_minutes where tenant_id = $1",
    "delete from admission_rollup where tenant_id = $1",
    "delete from listing_statements where tenant_id = $1",
    "delete from listings where tenant_id = $1",
    "delete from listing_spans where tenant_id = $1",
    "delete from resales where tenant_id = $1",
    "delete from venue_analytics where tenant_id = $1",
    "delete from event_analytics where tenant_id = $1",
    "delete from visitor_days where tenant_id = $1",
    "delete from platform_series where tenant_id = $1",
)
"""Grain: one row of a read model of the tenant. A rebuild deletes all of them."""

# Grain: one venue. Its row says who owns the id and stays; any statement about it is newer than none.
_FORGET_VENUES = "update venues set version = -1, revised_at = 'epoch' where tenant_id = $1"

# Grain: one event that the read models have applied. Index: inbox_pkey.
_APPLIED = "select distinct event_id from inbox where tenant_id = $1 and queue = $2"
_FORGET_APPLIED = "delete from inbox where tenant_id = $1 and queue = $2"

# Grain: one tenant. Index: read_model_rebuilds_pkey.
_PROGRESS = """
select started_at, stored_at, last_id
  from read_model_rebuilds
 where tenant_id = $1 and finished_at is null and started_at > $2
"""
_BEGIN = """
insert into read_model_rebuilds (tenant_id, started_at, stored_at, last_id)
values ($1, $2, $3, $4)
on conflict (tenant_id) do update
   set started_at = excluded.started_at, stored_at = excluded.stored_at, last_id = excluded.last_id,
       finished_at = null
"""
_ADVANCE = "update read_model_rebuilds set stored_at = $2, last_id = $3 where tenant_id = $1"
_FINISH = "update read_model_rebuilds set finished_at = $2 where tenant_id = $1"


@dataclass(frozen=True, slots=True)
class Progress:
    """A rebuild that has begun: everything stored until `position` has been applied."""

    started_at: datetime
    position: Position


async def empty(conn: Connection, tenant_id: UUID, queue: str) -> None:
    """Delete the tenant's read models, and the memory of which events they were made from."""
    for statement in EMPTIED:
        await conn.execute(statement, tenant_id)
    await conn.execute(_FORGET_VENUES, tenant_id)
    await conn.execute(_FORGET_APPLIED, tenant_id, queue)


async def select_applied(conn: Connection, tenant_id: UUID, queue: str) -> list[UUID]:
    """The events that the read models have applied, as far back as the inbox remembers."""
    return [row["event_id"] for row in await conn.fetch(_APPLIED, tenant_id, queue)]


async def select_unfinished(conn: Connection, tenant_id: UUID, since: datetime) -> Progress | None:
    """A rebuild that began after an instant and has not come to its end."""
    row = await conn.fetchrow(_PROGRESS, tenant_id, since)
    return None if row is None else Progress(row["started_at"], Position(row["stored_at"], row["last_id"]))


async def begin(conn: Connection, tenant_id: UUID, now: datetime) -> Progress:
    """Note that a rebuild begins."""
    progress = Progress(now, Position.start())
    await conn.execute(_BEGIN, tenant_id, now, *progress.position)
    return progress


async def advance(conn: Connection, tenant_id: UUID, position: Position) -> None:
    """Note how far the rebuild has come."""
    await conn.execute(_ADVANCE, tenant_id, *position)


async def finish(conn: Connection, tenant_id: UUID, now: datetime) -> None:
    """Note that the rebuild has come to its end."""
    await conn.execute(_FINISH, tenant_id, now)
