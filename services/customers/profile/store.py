"""SQL of profiles, by the views of customers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from libs.common.postgres.database import Connection
from services.customers.profile.spread import Counted, Spread

MOST_VENUES: Final = 100

# All statements about one customer find their rows by keys, whatever the values: planning them anew for each
# customer, as PostgreSQL would because of the alternatives in them, takes as long as running them.
_PLAN_ONCE = "set local plan_cache_mode = force_generic_plan"

# Grain: currency of one customer. Index: purchases_by_customer, by the view customer_360, into whose grouping
# the tenant, the customer and the venue are pushed. Row-level security leaves granted venues.
_TOTALS = """
select currency, sum(order_count)::integer as order_count, sum(ticket_count)::integer as ticket_count,
       sum(refunded_ticket_count)::integer as refunded_ticket_count, sum(gross_minor)::bigint as gross_minor,
       sum(refund_minor)::bigint as refund_minor, sum(spend_minor)::bigint as spend_minor,
       min(first_purchase_at) as first_purchase_at, max(last_purchase_at) as last_purchase_at,
       max(newest_fact_at) as newest_fact_at
  from reporting_views.customer_360
 where tenant_id = $1 and customer_id = $2 and ($3::uuid is null or venue_id = $3)
 group by currency
 order by currency
"""

# Grain: venue of one customer. Index: customer_venues_by_customer, by the view user_dashboard_view; what is
# joined there is found by the customer as well.
_ACTIVITIES = """
select seen.venue_id, venue.name as venue_name, seen.first_seen_at, seen.last_seen_at, seen.order_count,
       seen.ticket_count, seen.latest_show_at, seen.admitted_ticket_count, seen.attended_show_count,
       seen.sent_ticket_count, seen.received_ticket_count, seen.newest_fact_at
  from reporting_views.user_dashboard_view as seen
  join venues as venue on venue.tenant_id = seen.tenant_id and venue.venue_id = seen.venue_id
 where seen.tenant_id = $1 and seen.customer_id = $2 and ($3::uuid is null or seen.venue_id = $3)
 order by seen.last_seen_at desc, seen.venue_id
 limit $4
"""

# Grain: segment that the tenant made, with this customer in it. Index: customer_segment_members_by_customer.
_SEGMENTS = """
select distinct segment
  from customer_segment_members
 where tenant_id = $1 and customer_id = $2 and ($3::uuid is null or venue_id = $3)
 order by segment
"""

# Grain: currency of a venue. Index: that of the materialized view by tenant and venue; read whole, but at
# most once in the lifetime of what is cached of it. 99 cuts between hundredths of the customers.
_SPENDS = """
select currency, count(*)::integer as customer_count,
       percentile_disc($3::double precision[]) within group (order by spend_minor) as cuts
  from reporting_views.customer_360_materialized
 where tenant_id = $1 and venue_id = $2 and order_count > 0
 group by currency
"""

# Grain: one venue. Index and cost: as above.
_ORDERS = """
select count(*)::integer as customer_count,
       percentile_disc($3::double precision[]) within group (order by order_count) as cuts
  from reporting_views.user_dashboard_materialized
 where tenant_id = $1 and venue_id = $2
"""


@dataclass(frozen=True, slots=True)
class Totals:
    """What a customer bought in one currency; the times are None while nothing of it stands."""

    currency: str
    order_count: int
    ticket_count: int
    refunded_ticket_count: int
    gross_minor: int
    refund_minor: int
    spend_minor: int
    first_purchase_at: datetime | None
    last_purchase_at: datetime | None
    newest_fact_at: datetime


@dataclass(frozen=True, slots=True)
class Activity:
    """What a customer did at one venue."""

    venue_id: UUID
    venue_name: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    order_count: int
    ticket_count: int
    latest_show_at: datetime | None
    admitted_ticket_count: int
    attended_show_count: int
    sent_ticket_count: int
    received_ticket_count: int
    newest_fact_at: datetime


async def plan_once(conn: Connection) -> None:
    """Let the rest of the transaction use plans that do not depend on who is asked for."""
    await conn.execute(_PLAN_ONCE)


async def select_totals(
    conn: Connection, tenant_id: UUID, customer_id: UUID, venue_id: UUID | None
) -> list[Totals]:
    """What a customer bought, by currency, at one venue or at all that the transaction's scope sees."""
    return [Totals(**row) for row in await conn.fetch(_TOTALS, tenant_id, customer_id, venue_id)]


async def select_activities(
    conn: Connection, tenant_id: UUID, customer_id: UUID, venue_id: UUID | None
) -> list[Activity]:
    """What a customer did, by venue, the latest first; at most `MOST_VENUES`."""
    rows = await conn.fetch(_ACTIVITIES, tenant_id, customer_id, venue_id, MOST_VENUES)
    return [Activity(**row) for row in rows]


async def select_own_segments(
    conn: Connection, tenant_id: UUID, customer_id: UUID, venue_id: UUID | None
) -> list[str]:
    """Segments that the tenant made and that the customer is in, by slug."""
    return [row["segment"] for row in await conn.fetch(_SEGMENTS, tenant_id, customer_id, venue_id)]


async def select_spread(conn: Connection, tenant_id: UUID, venue_id: UUID) -> Spread:
    """Spend of a venue's customers by currency, and their purchases, as the materialized views have them."""
    spends = await conn.fetch(_SPENDS, tenant_id, venue_id, _HUNDREDTHS)
    orders = await conn.fetchrow(_ORDERS, tenant_id, venue_id, _HUNDREDTHS)
    return Spread(
        {row["currency"]: Counted(row["customer_count"], row["cuts"]) for row in spends},
        Counted(orders["customer_count"], orders["cuts"] or ()),
    )


_HUNDREDTHS: Final = [at / 100 for at in range(1, 100)]
