"""SQL of counts of customers."""

from typing import Final
from uuid import UUID

from libs.common.buckets import Window
from libs.common.postgres.database import Connection
from services.customers.counts.counts import Counts

# Grain: one venue. Index: purchases_by_venue over the window; then one probe of purchases_by_customer for
# each customer in it, or one pass over what was sold before, whichever is less.
_OF_VENUE: Final = """
with active as (
    select customer_id, max(newest_fact_at) as newest_fact_at
      from purchases
     where tenant_id = $1 and venue_id = $2 and sold_at >= $3 and sold_at < $4 and order_count = 1
     group by customer_id
)
select count(*)::bigint as active_count,
       (count(*) filter (where exists (
            select from purchases as before
             where before.tenant_id = $1 and before.venue_id = $2 and before.customer_id = active.customer_id
               and before.sold_at < $3 and before.order_count = 1
       )))::bigint as returning_count,
       max(newest_fact_at) as newest_fact_at
  from active
"""

# Grain: all venues that row-level security shows, taken together: who bought at another of them before is no
# new customer. Index: purchases_by_customer, in whose order customers are grouped, or a pass over the tenant.
_OF_ALL_VENUES: Final = """
with active as (
    select customer_id, max(newest_fact_at) as newest_fact_at
      from purchases
     where tenant_id = $1 and sold_at >= $2 and sold_at < $3 and order_count = 1
     group by customer_id
)
select count(*)::bigint as active_count,
       (count(*) filter (where exists (
            select from purchases as before
             where before.tenant_id = $1 and before.customer_id = active.customer_id
               and before.sold_at < $2 and before.order_count = 1
       )))::bigint as returning_count,
       max(newest_fact_at) as newest_fact_at
  from active
"""


async def select_counts(conn: Connection, tenant_id: UUID, venue_id: UUID | None, window: Window) -> Counts:
    """Customers of one venue, or of every venue that the transaction sees."""
    if venue_id is None:
        row = await conn.fetchrow(_OF_ALL_VENUES, tenant_id, window.start, window.end)
    else:
        row = await conn.fetchrow(_OF_VENUE, tenant_id, venue_id, window.start, window.end)
    assert row is not None  # an aggregate without groups has one row
    return Counts(row["active_count"], row["returning_count"], row["newest_fact_at"])
