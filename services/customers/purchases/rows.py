"""What people bought, order by order."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.postgres.database import Connection

# Grain: order and currency of the given people, at some venues. Index: purchases_by_customer: cost grows with
# what these people bought, not with the venues.
_ROWS = """
select venue_id, customer_id, sold_at, currency, order_count, spend_minor, newest_fact_at
  from purchases
 where tenant_id = $1 and customer_id = any($2::uuid[]) and venue_id = any($3::uuid[])
 order by customer_id, sold_at, order_id, currency
"""


@dataclass(frozen=True, slots=True)
class PurchaseRow:
    """One order of a customer in one currency; see the read model of purchases."""

    venue_id: UUID
    customer_id: UUID
    sold_at: datetime
    currency: str
    order_count: int
    spend_minor: int
    newest_fact_at: datetime


async def rows_in(
    conn: Connection, tenant_id: UUID, customer_ids: Collection[UUID], venue_ids: Collection[UUID]
) -> list[PurchaseRow]:
    """Everything that these people bought at these venues, each one's in the order of time.

    Args:
        conn: The tenant's open transaction.
        tenant_id: The tenant.
        customer_ids: Whom to look up.
        venue_ids: Where they bought.
    """
    rows = await conn.fetch(_ROWS, tenant_id, list(customer_ids), list(venue_ids))
    return [PurchaseRow(**row) for row in rows]
