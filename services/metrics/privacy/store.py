"""Erasures as this service carried them out, and its orders of a person, in a transaction of the tenant."""

import json
from collections.abc import Mapping
from uuid import UUID

from libs.common.postgres.database import Connection

# Grain: one order of the person, by index orders_by_customer. No figure is made from who bought, so none
# changes.
_ORDERS = "update orders set customer_id = $3 where tenant_id = $1 and customer_id = $2"

# What was touched adds up over repetitions, and stands once it was confirmed.
_TOUCHED = """
insert into erasures (tenant_id, erasure_id, touched_counts) values ($1, $2, $3)
on conflict (tenant_id, erasure_id) do update
   set touched_counts = (
       select coalesce(jsonb_object_agg(key, total), '{}')
         from (select key, sum(value::bigint)::bigint as total
                 from (select key, value from jsonb_each_text(erasures.touched_counts)
                       union all
                       select key, value from jsonb_each_text(excluded.touched_counts)) as counted (key,
                       value)
                group by key) as summed)
 where erasures.confirmed_at is null
"""
_CONFIRMED = """
update erasures set confirmed_at = coalesce(confirmed_at, now())
 where tenant_id = $1 and erasure_id = $2
returning touched_counts
"""


class ErasureStore:
    """One tenant's, in its open transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._conn = conn
        self._tenant_id = tenant_id

    async def rename_orders(self, customer_id: UUID, pseudonym: UUID) -> int:
        """How many orders were the person's."""
        outcome = await self._conn.execute(_ORDERS, self._tenant_id, customer_id, pseudonym)
        return int(outcome.rpartition(" ")[2])

    async def touched(self, erasure_id: UUID, counts: Mapping[str, int]) -> None:
        """Add to what an erasure touched."""
        await self._conn.execute(_TOUCHED, self._tenant_id, erasure_id, json.dumps(dict(counts)))

    async def confirmed(self, erasure_id: UUID) -> dict[str, int]:
        """Close an erasure; gives all that it touched, the same however often it is closed."""
        counts = await self._conn.fetchval(_CONFIRMED, self._tenant_id, erasure_id)
        touched: dict[str, int] = json.loads(counts)
        return touched
