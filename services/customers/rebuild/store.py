"""SQL of a rebuild; the caller's transaction is bound to the tenant."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from libs.common.postgres.database import Connection

EMPTIED: Final = (
    "delete from events where tenant_id = $1",
    "delete from ticket_types where tenant_id = $1",
    "delete from orders where tenant_id = $1",
    "delete from refunds where tenant_id = $1",
    "delete from purchases where tenant_id = $1",
    "delete from admissions where tenant_id = $1",
    "delete from transfers where tenant_id = $1",
    "delete from customers where tenant_id = $1",
    "delete from customer_venues where tenant_id = $1",
    "delete from customer_words where tenant_id = $1",
)
"""Grain: one row of a read model of the tenant. A rebuild deletes all of them."""

# Grain: one venue. Its row says who owns the id and stays; any statement about it is newer than none.
_FORGET_VENUES = "update venues set version = -1, revised_at = 'epoch' where tenant_id = $1"
# Grain: one run of scores. The next one counts everybody, because some purchases may not come back.
_FORGET_COUNTED = "update rfm_runs set counted_at = null where tenant_id = $1"
_FORGET_APPLIED = "delete from inbox where tenant_id = $1 and queue = $2"

# Grain: one event that the read models show or remember. Rows that are stated carry their event's id.
_EXPECT = """
insert into read_model_rebuild_events (tenant_id, event_id, is_fact)
select $1, told.event_id, bool_or(told.is_fact)
  from (select revision_id, $3::boolean from orders where tenant_id = $1 and version >= 0
        union all
        select revision_id, $3 from refunds where tenant_id = $1
        union all
        select revision_id, $3 from admissions where tenant_id = $1
        union all
        select transfer_id, $3 from transfers where tenant_id = $1
        union all
        select revision_id, $3 from customers where tenant_id = $1 and version >= 0
        union all
        select revision_id, $3 from events where tenant_id = $1 and version >= 0
        union all
        select revision_id, $3 from ticket_types where tenant_id = $1
        union all
        select revision_id, $3 from venues where tenant_id = $1 and version >= 0
        union all
        select event_id, false from inbox where tenant_id = $1 and queue = $2) as told (event_id, is_fact)
 group by told.event_id
"""
_FORGET_EXPECTED = "delete from read_model_rebuild_events where tenant_id = $1"

# Grain: one expected event. Index: read_model_rebuild_events_pkey, inbox_pkey.
_FOUND = "delete from read_model_rebuild_events where tenant_id = $1 and event_id = any($2::uuid[])"
_APPLIED = """
delete from read_model_rebuild_events as expected
 where expected.tenant_id = $1
   and exists (select from inbox
                where inbox.tenant_id = $1 and inbox.queue = $2 and inbox.event_id = expected.event_id)
"""
_MISSING = """
select count(*) filter (where is_fact) as fact_count, count(*) filter (where not is_fact) as other_count
  from read_model_rebuild_events
 where tenant_id = $1
"""

# Grain: one tenant. Index: read_model_rebuilds_pkey.
_PROGRESS = """
select resume_token from read_model_rebuilds where tenant_id = $1 and finished_at is null and started_at > $2
"""
_BEGIN = """
insert into read_model_rebuilds (tenant_id, started_at, resume_token)
values ($1, $2, '')
on conflict (tenant_id) do update
   set started_at = excluded.started_at, resume_token = '', finished_at = null
"""
_ADVANCE = "update read_model_rebuilds set resume_token = $2 where tenant_id = $1"
_FINISH = "update read_model_rebuilds set finished_at = $2 where tenant_id = $1"


class Missing(NamedTuple):
    """Events that have not turned up: those that a row stated, and others that were applied."""

    fact_count: int
    other_count: int


async def empty(conn: Connection, tenant_id: UUID, queue: str) -> None:
    """Delete the tenant's read models, and the memory of which events they were made from."""
    for statement in EMPTIED:
        await conn.execute(statement, tenant_id)
    await conn.execute(_FORGET_VENUES, tenant_id)
    await conn.execute(_FORGET_COUNTED, tenant_id)
    await conn.execute(_FORGET_APPLIED, tenant_id, queue)


async def expect(conn: Connection, tenant_id: UUID, queue: str, *, facts: bool) -> None:
    """Note every event behind the read models as it is now; `facts`: none of their rows may be lost."""
    await conn.execute(_FORGET_EXPECTED, tenant_id)
    await conn.execute(_EXPECT, tenant_id, queue, facts)


async def found(conn: Connection, tenant_id: UUID, event_ids: Sequence[UUID]) -> None:
    """These events have turned up."""
    await conn.execute(_FOUND, tenant_id, event_ids)


async def select_missing(conn: Connection, tenant_id: UUID) -> Missing:
    """Expected events that have not turned up."""
    row = await conn.fetchrow(_MISSING, tenant_id)
    return Missing(row["fact_count"], row["other_count"])


async def select_unapplied(conn: Connection, tenant_id: UUID, queue: str) -> Missing:
    """Expected events that have not been applied again."""
    await conn.execute(_APPLIED, tenant_id, queue)
    return await select_missing(conn, tenant_id)


async def select_unfinished(conn: Connection, tenant_id: UUID, since: datetime) -> str | None:
    """The token of a rebuild that began after an instant and has not come to its end."""
    token: str | None = await conn.fetchval(_PROGRESS, tenant_id, since)
    return token


async def begin(conn: Connection, tenant_id: UUID, now: datetime) -> None:
    """Note that a rebuild begins."""
    await conn.execute(_BEGIN, tenant_id, now)


async def advance(conn: Connection, tenant_id: UUID, resume_token: str) -> None:
    """Note how far the rebuild has come."""
    await conn.execute(_ADVANCE, tenant_id, resume_token)


async def finish(conn: Connection, tenant_id: UUID, now: datetime) -> None:
    """Note that the rebuild has come to its end."""
    await conn.execute(_FINISH, tenant_id, now)
    await conn.execute(_FORGET_EXPECTED, tenant_id)
