"""Use case: what people bought, summed per currency."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database

# Grain: person and currency. Index: purchases_by_customer: cost grows with what these people bought, not with
# the venue. First and last purchase are those that stand.
_TOTALS = """
select customer_id, currency,
       sum(order_count)::bigint as order_count,
       sum(ticket_count - refunded_ticket_count)::bigint as ticket_count,
       sum(spend_minor)::bigint as spend_minor,
       min(sold_at) filter (where order_count = 1) as first_purchase_at,
       max(sold_at) filter (where order_count = 1) as last_purchase_at,
       max(newest_fact_at) as newest_fact_at
  from purchases
 where tenant_id = $1 and customer_id = any($2::uuid[]) and ($3::uuid is null or venue_id = $3)
 group by customer_id, currency
 order by customer_id, currency
"""


@dataclass(frozen=True, slots=True)
class CurrencyTotals:
    """What one person bought in one currency, refunds taken off; money in minor units.

    `ticket_count` is sold and not returned. The times are None where nothing stands.
    """

    currency: str
    order_count: int
    ticket_count: int
    spend_minor: int
    first_purchase_at: datetime | None
    last_purchase_at: datetime | None
    newest_fact_at: datetime


class PurchaseReader:
    """Purchases of people at the venues that the caller sees.

    Args:
        database: The service's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def totals(
        self, scope: TenantScope, customer_ids: Collection[UUID], *, venue_id: UUID | None = None
    ) -> dict[UUID, list[CurrencyTotals]]:
        """Totals by person, currencies in alphabetical order; people without an order are left out.

        Args:
            scope: Whose purchases.
            customer_ids: Whom to look up.
            venue_id: Purchases at one venue; None: at every venue that the scope sees.
        """
        if not customer_ids:
            return {}
        async with self._database.transaction(scope) as conn:
            return await totals_in(conn, scope.tenant_id, customer_ids, venue_id=venue_id)


async def totals_in(
    conn: Connection, tenant_id: UUID, customer_ids: Collection[UUID], *, venue_id: UUID | None = None
) -> dict[UUID, list[CurrencyTotals]]:
    """`PurchaseReader.totals` within an open transaction."""
    rows: Sequence[Any] = await conn.fetch(_TOTALS, tenant_id, list(customer_ids), venue_id)
    found: dict[UUID, list[CurrencyTotals]] = defaultdict(list)
    for row in rows:
        values = dict(row)
        found[values.pop("customer_id")].append(CurrencyTotals(**values))
    return dict(found)
