"""Whether a caller can see a person, and by which words the person could be recognised."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.postgres.database import Connection

# Grain: one person. A venue grant hides those who have dealt with none of its venues: they have no visible
# row of customer_venues. By the primary keys and index customer_venues_by_customer.
_KNOWN = """
select coalesce(c.name, '') as name, coalesce(c.email, '') as email, coalesce(c.phone, '') as phone
  from (select $2::uuid as customer_id) as asked
  left join customers c on c.tenant_id = $1 and c.customer_id = asked.customer_id
 where (c.customer_id is not null and not $3)
    or exists (select from customer_venues v where v.tenant_id = $1 and v.customer_id = asked.customer_id)
"""

MetElsewhere = Callable[[UUID], Awaitable[bool]]
"""Whether a store beside PostgreSQL names a person of the current caller's tenant."""


class Known(NamedTuple):
    """Words that tell who a person is; empty where they are not known."""

    name: str = ""
    email: str = ""
    phone: str = ""


class KnownStore:
    """People within a scope, in its open transaction."""

    def __init__(self, conn: Connection, scope: TenantScope) -> None:
        self._conn = conn
        self._scope = scope

    async def get(self, customer_id: UUID) -> Known | None:
        """What names a person the scope can see; None for anybody else."""
        is_granted = self._scope.venue_ids is not None
        row = await self._conn.fetchrow(_KNOWN, self._scope.tenant_id, customer_id, is_granted)
        return None if row is None else Known(row["name"], row["email"], row["phone"])
