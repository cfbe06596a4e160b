"""All purchases of a tenant, sent to a process that calculates from them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.postgres.database import Connection
from services.customers.models.patience import take_time
from services.customers.models.process import FittingProcess

# Grain: one venue. Index: venues_by_tenant.
_VENUES = """
select venue_id, time_zone
  from venues
 where tenant_id = $1
 order by venue_id
"""

# Grain: order and currency of the whole tenant, once a run; a venue is sent as its place in $2. What was sold
# after the moment that the run observes ($3) is no history yet; refunds are in their sale whenever they came.
# The rows are grouped by the process that fits, which reads them faster than they can be sorted here.
_PURCHASES = """
select v.place::integer, p.customer_id, p.sold_at, p.currency, p.order_count, p.spend_minor, p.newest_fact_at
  from purchases p
  join unnest($2::uuid[]) with ordinality as v (venue_id, place) on v.venue_id = p.venue_id
 where p.tenant_id = $1 and p.sold_at <= $3
"""


class PurchaseFeed:
    """A tenant's venues and purchases inside one transaction of the whole tenant."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def venues(self) -> list[tuple[UUID, str]]:
        """Every venue of the tenant and its zone, by id; from here on nothing is hurried."""
        await take_time(self._driver)
        rows = await self._driver.fetch(_VENUES, self._tenant_id)
        return [(row["venue_id"], row["time_zone"]) for row in rows]

    async def send(
        self,
        process: FittingProcess,
        venues: list[tuple[UUID, str]],
        as_of: datetime,
        question: Mapping[str, Any],
    ) -> None:
        """Ask a question about purchases up to a moment and send them all, as a binary COPY.

        Args:
            process: Takes them.
            venues: Those of the tenant; rows name a venue by its place here, from 1 on.
            as_of: The moment.
            question: What the process needs to know beside it, the venues and their zones.
        """
        ids = [venue_id for venue_id, _ in venues]
        place = {"venues": ids, "zones": [zone for _, zone in venues], "as_of": as_of.isoformat()}
        await process.ask({**place, **question})
        await self._driver.copy_from_query(
            _PURCHASES, self._tenant_id, ids, as_of, output=process.write, format="binary"
        )
        process.end_of_data()
