"""SQL of the extract: what is held on the people of a venue, or of all that the scope sees."""

from dataclasses import dataclass
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.customers.privacy.dataset_columns import Person

# Grain: one currency; the one of most purchases, ties by spend, then code. Index purchases_by_venue.
_MAIN_CURRENCY = """
select currency from purchases
 where tenant_id = $1 and ($2::uuid is null or venue_id = $2)
 group by currency
 order by sum(order_count) desc, sum(spend_minor) desc, currency
 limit 1
"""
# Grain: one person who has dealt with the venue (null: a venue of the scope). Months count from year 0, on
# the clock $3; purchases count in any currency, spend in $4 only. One pass over purchases_by_venue, joined by
# hash.
_PEOPLE = """
with people as materialized (
    select distinct customer_id from customer_venues
     where tenant_id = $1 and ($2::uuid is null or venue_id = $2)
     limit $5
),
bought as materialized (
    select customer_id, sum(order_count)::bigint as order_count,
           coalesce(sum(spend_minor) filter (where currency = $4), 0)::bigint as spend_minor,
           min(sold_at) filter (where order_count = 1) at time zone $3 as first_at,
           max(sold_at) filter (where order_count = 1) at time zone $3 as last_at
      from purchases
     where tenant_id = $1 and ($2::uuid is null or venue_id = $2)
     group by customer_id
)
select coalesce(c.city, '') as city, coalesce(c.country, '') as country, coalesce(c.channel, '') as channel,
       (extract(year from c.registered_at at time zone $3) * 12
        + extract(month from c.registered_at at time zone $3) - 1)::integer as registration_month,
       (extract(year from b.first_at) * 12 + extract(month from b.first_at) - 1)::integer
           as first_purchase_month,
       (extract(year from b.last_at) * 12 + extract(month from b.last_at) - 1)::integer
           as last_purchase_month,
       coalesce(b.order_count, 0) as order_count, coalesce(b.spend_minor, 0) as spend_minor,
       c.marketing_consent
  from people p
  left join customers c on c.tenant_id = $1 and c.customer_id = p.customer_id
  left join bought b on b.customer_id = p.customer_id
"""


@dataclass(frozen=True, slots=True)
class Extract:
    """People of an extract, and the currency of what they spent; empty when nothing was bought."""

    people: list[Person]
    currency: str


class DatasetStore:
    """Extracts within a scope.

    Args:
        database: The app role's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def extract(
        self, scope: TenantScope, venue_id: UUID | None, *, currency: str, zone: str, limit: int
    ) -> Extract:
        """At most `limit` people, in no order.

        Args:
            scope: Whose rows.
            venue_id: Only of this venue; None: of all that the scope sees.
            currency: Of spend; empty: the main one.
            zone: IANA zone that cuts months.
            limit: Most people.
        """
        async with self._database.transaction(scope) as conn:
            chosen = currency or await conn.fetchval(_MAIN_CURRENCY, scope.tenant_id, venue_id) or ""
            rows = await conn.fetch(_PEOPLE, scope.tenant_id, venue_id, zone, chosen, limit)
        return Extract([Person(**row) for row in rows], chosen)
