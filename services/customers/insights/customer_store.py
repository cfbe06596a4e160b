"""SQL of one customer's days of purchases."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from libs.common.postgres.database import Connection

# Grain: one local day on which the customer bought. Index: purchases_by_customer: the cost is that of the
# customer's own purchases.
_DAYS: Final = """
select (sold_at at time zone $4)::date as day, max(newest_fact_at) as newest_fact_at
  from purchases
 where tenant_id = $1 and customer_id = $2 and venue_id = $3 and order_count = 1
 group by 1
 order by 1
"""


@dataclass(frozen=True, slots=True)
class PurchaseDays:
    """Days with a purchase, rising, and the newest fact about them."""

    days: tuple[date, ...]
    newest_fact_at: datetime | None


async def select_purchase_days(
    conn: Connection, tenant_id: UUID, customer_id: UUID, venue_id: UUID, time_zone: str
) -> PurchaseDays:
    """One customer's days of purchases at a venue."""
    rows = await conn.fetch(_DAYS, tenant_id, customer_id, venue_id, time_zone)
    newest = max((row["newest_fact_at"] for row in rows), default=None)
    return PurchaseDays(tuple(row["day"] for row in rows), newest)
