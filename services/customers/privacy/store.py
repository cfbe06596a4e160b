"""Erasures and their parts in PostgreSQL, within a transaction of their tenant."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from libs.common.postgres.database import Connection
from services.customers.privacy.erasures import Erasure, Part

# Grain: one erasure and service that must confirm it. By the primary key, or by the unique pseudonym.
_BY_ID = """
select e.erasure_id, e.pseudonym, e.reason, e.requested_at, e.completed_at, expected.service_name,
       p.touched_counts, p.confirmed_at
  from erasures e
 cross join unnest(e.service_names) with ordinality as expected (service_name, place)
  left join erasure_parts p on p.tenant_id = e.tenant_id and p.erasure_id = e.erasure_id
   and p.service_name = expected.service_name
 where e.tenant_id = $1 and e.erasure_id = $2
 order by expected.place
"""
_ID_OF_PSEUDONYM = "select erasure_id from erasures where tenant_id = $1 and pseudonym = $2"

# One erasure a person, whoever comes first.
_ADD = """
insert into erasures (tenant_id, erasure_id, pseudonym, reason, requested_by, service_names, sealed_customer)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (tenant_id, pseudonym) do nothing
"""
_SEALED = "select pseudonym, sealed_customer from erasures where tenant_id = $1 and erasure_id = $2"
_FORGET = "update erasures set sealed_customer = null where tenant_id = $1 and erasure_id = $2"

# Counts of a part that is done in steps add up, so that a step repeated after a crash loses none of the first
# time's.
_TOUCHED = """
insert into erasure_parts (tenant_id, erasure_id, service_name, touched_counts)
values ($1, $2, $3, $4)
on conflict (tenant_id, erasure_id, service_name) do update
   set touched_counts = (
       select coalesce(jsonb_object_agg(key, total), '{}')
         from (select key, sum(value::bigint)::bigint as total
                 from (select key, value from jsonb_each_text(erasure_parts.touched_counts)
                       union all
                       select key, value from jsonb_each_text(excluded.touched_counts)) as counted (key,
                       value)
                group by key) as summed)
 where erasure_parts.confirmed_at is null
"""
# A confirmation that comes again changes nothing; one of an unknown erasure has nothing to complete.
_CONFIRM = """
insert into erasure_parts (tenant_id, erasure_id, service_name, touched_counts, confirmed_at)
select $1::uuid, $2::uuid, $3::text, $4::jsonb, now()
 where exists (select from erasures where tenant_id = $1 and erasure_id = $2)
on conflict (tenant_id, erasure_id, service_name) do update
   set confirmed_at = coalesce(erasure_parts.confirmed_at, excluded.confirmed_at),
       touched_counts = case when erasure_parts.touched_counts = '{}' then excluded.touched_counts
                             else erasure_parts.touched_counts end
"""
# The row's lock lets the last of several confirmations see all of them.
_LOCK = "select erasure_id from erasures where tenant_id = $1 and erasure_id = $2 for update"
_COMPLETE = """
update erasures e set completed_at = now()
 where e.tenant_id = $1 and e.erasure_id = $2 and e.completed_at is null
   and not exists (
       select from unnest(e.service_names) as expected (service_name)
        where not exists (
              select from erasure_parts p
               where p.tenant_id = e.tenant_id and p.erasure_id = e.erasure_id
                 and p.service_name = expected.service_name and p.confirmed_at is not null))
"""


@dataclass(frozen=True, slots=True)
class NewErasure:
    """An erasure as it begins."""

    erasure_id: UUID
    pseudonym: UUID
    reason: str
    requested_by: str
    services: Sequence[str]
    sealed_customer: str


class ErasureStore:
    """Erasures of one tenant, in its open transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._conn = conn
        self._tenant_id = tenant_id

    async def get(self, erasure_id: UUID) -> Erasure | None:
        rows = await self._conn.fetch(_BY_ID, self._tenant_id, erasure_id)
        return _erasure(rows) if rows else None

    async def of_pseudonym(self, pseudonym: UUID) -> Erasure | None:
        """The erasure of the person behind a pseudonym."""
        erasure_id = await self._conn.fetchval(_ID_OF_PSEUDONYM, self._tenant_id, pseudonym)
        return None if erasure_id is None else await self.get(erasure_id)

    async def add(self, new: NewErasure) -> bool:
        """Keep an erasure; False when the person has one."""
        outcome = await self._conn.execute(
            _ADD,
            self._tenant_id,
            new.erasure_id,
            new.pseudonym,
            new.reason,
            new.requested_by,
            list(new.services),
            new.sealed_customer,
        )
        return bool(outcome == "INSERT 0 1")

    async def sealed(self, erasure_id: UUID) -> tuple[UUID, str | None]:
        """The pseudonym and the sealed id, None once it is forgotten."""
        row = await self._conn.fetchrow(_SEALED, self._tenant_id, erasure_id)
        assert row is not None, "an erasure is never deleted"
        return row["pseudonym"], row["sealed_customer"]

    async def touched(self, erasure_id: UUID, service: str, counts: Mapping[str, int]) -> None:
        """Add to the counts of a part in progress."""
        await self._conn.execute(_TOUCHED, self._tenant_id, erasure_id, service, json.dumps(dict(counts)))

    async def confirm(self, erasure_id: UUID, service: str, counts: Mapping[str, int]) -> None:
        """A part is done; the erasure is complete with its last one."""
        await self._conn.fetchval(_LOCK, self._tenant_id, erasure_id)
        await self._conn.execute(_CONFIRM, self._tenant_id, erasure_id, service, json.dumps(dict(counts)))
        await self._conn.execute(_COMPLETE, self._tenant_id, erasure_id)

    async def forget(self, erasure_id: UUID) -> None:
        """Drop the sealed id: from now on nobody can tell whom this erasure hides."""
        await self._conn.execute(_FORGET, self._tenant_id, erasure_id)


def _erasure(rows: Sequence["asyncpg.Record"]) -> Erasure:
    first = rows[0]
    return Erasure(
        erasure_id=first["erasure_id"],
        pseudonym=first["pseudonym"],
        reason=first["reason"],
        requested_at=first["requested_at"],
        completed_at=first["completed_at"],
        parts=tuple(
            Part(row["service_name"], json.loads(row["touched_counts"] or "{}"), row["confirmed_at"])
            for row in rows
        ),
    )
