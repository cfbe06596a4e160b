"""SQL of cohorts: all of a venue's purchases, grouped by the period of the first one and their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from libs.common.postgres.database import Connection
from services.customers.cohorts.table import Figures

# Groups of customers and periods stay in memory for a million customers; what a statement has by default is
# made for lists and would write them to disk. And they are joined by hashing: of a venue that has just been
# imported nothing is known yet, and the planner would walk through them once for each customer. A whole
# history of millions may take longer than a list may; the deadline of the call still ends it.
_FOR_GROUPS: Final = (
    "set local work_mem = '64MB'; set local enable_nestloop = off; set local statement_timeout = '60s'"
)
_AS_BEFORE: Final = "set local work_mem to default; set local enable_nestloop to default"

# Grain: one cohort, period and currency; rows without a currency count customers, whatever they paid in.
# Index: purchases_by_venue, which holds every column, so that the table itself is not read. Periods are
# numbered from 1; 0 is all time before the first edge. Grouped by customer first: nothing else has to be
# sorted or counted distinct over all purchases.
_FIGURES: Final = """
with bought as materialized (
    select customer_id, width_bucket(sold_at, $4::timestamptz[]) as period, currency,
           sum(order_count)::bigint as order_count, sum(spend_minor)::bigint as net_minor
      from purchases
     where tenant_id = $1 and venue_id = $2 and sold_at < $3
     group by 1, 2, 3
), first as (
    select customer_id, min(period) as cohort
      from bought
     where order_count > 0
     group by customer_id
), followed as materialized (
    select first.cohort, bought.period, bought.customer_id, bought.currency, bought.order_count,
           bought.net_minor
      from first
      join bought using (customer_id)
     where first.cohort > 0 and bought.period >= first.cohort
)
select cohort, period, currency, 0::bigint as customer_count, sum(order_count)::bigint as order_count,
       sum(net_minor)::bigint as net_minor
  from followed
 group by cohort, period, currency
union all
select cohort, period, null, count(*), 0, 0
  from (select distinct cohort, period, customer_id from followed where order_count > 0) as customer
 group by cohort, period
"""

# Grain: one venue. Index: purchases_newest, its last row.
_NEWEST: Final = """
select max(newest_fact_at)
  from purchases
 where tenant_id = $1 and venue_id = $2
"""


@dataclass(frozen=True, slots=True)
class VenueFigures:
    """Customers and orders of all currencies, and net revenue of each; tables of cohort by period."""

    people: NDArray[np.int64]
    orders: NDArray[np.int64]
    net_minor: dict[str, NDArray[np.int64]]
    newest_fact_at: datetime | None

    def in_currency(self, currency: str) -> Figures:
        """The tables with the net revenue of one currency, or with none of a currency that is not there."""
        nothing = np.zeros_like(self.people)
        return Figures(self.people, self.orders, self.net_minor.get(currency, nothing))


async def select_figures(
    conn: Connection, tenant_id: UUID, venue_id: UUID, edges: Sequence[datetime], until: datetime
) -> VenueFigures:
    """Cohorts of the periods between edges, by purchases made before `until`."""
    await conn.execute(_FOR_GROUPS)
    rows = await conn.fetch(_FIGURES, tenant_id, venue_id, until, list(edges))
    await conn.execute(_AS_BEFORE)
    count = len(edges) - 1
    people, orders = np.zeros((count, count), np.int64), np.zeros((count, count), np.int64)
    net: dict[str, NDArray[np.int64]] = {}
    for row in rows:
        cell = (row["cohort"] - 1, row["period"] - 1)
        people[cell] += row["customer_count"]
        orders[cell] += row["order_count"]
        if row["currency"] is not None:
            net.setdefault(row["currency"], np.zeros((count, count), np.int64))[cell] += row["net_minor"]
    newest = await conn.fetchval(_NEWEST, tenant_id, venue_id)
    return VenueFigures(people, orders, net, newest)
