"""SQL of customers who have not bought for a while."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.postgres.database import Connection
from services.customers.churn.foretold_store import Silent, SilentPage, select_foretold

__all__ = ("Silent", "SilentPage", "select_silent", "select_venues")

# Grain: one venue that row-level security shows. Index: venues_by_tenant.
_VENUES = """
select venue_id, time_zone
  from venues
 where tenant_id = $1 and ($2::uuid is null or venue_id = $2)
 order by venue_id
"""

# Where nothing is kept of customers, everything that was ever bought is read, in their order: the planner
# would not take it, because it thinks an index as random as its table. Millions of purchases may take longer
# than a list may; the deadline of the call still ends it.
_IN_ORDER = "set local enable_hashagg = off; set local work_mem = '64MB'; set local statement_timeout = '60s'"
_AS_BEFORE = "set local enable_hashagg to default; set local work_mem to default"

# Grain: one customer of the venues in $2, silent since each venue's instant in $3; $4 is the place whose
# stored probabilities hold for them. Indexes: purchases_by_venue_customer has all that is read of purchases,
# and customer_churn_by_probability all that is read of these. One pass finds the page and both counts: a row
# without a customer stands for an empty page. A rank of -1 stands for no probability, behind all that are
# known.
_OF_PLACE = """
with bought as materialized (
    select at_venue.customer_id, max(at_venue.last_purchase_at) as last_purchase_at,
           bool_and(at_venue.last_purchase_at < v.since) as is_silent
      from unnest($2::uuid[], $3::timestamptz[]) as v (venue_id, since)
     cross join lateral (
           select customer_id, max(sold_at) as last_purchase_at
             from purchases
            where tenant_id = $1 and venue_id = v.venue_id and order_count = 1
            group by customer_id) as at_venue
     group by at_venue.customer_id
), silent as materialized (
    select b.customer_id, b.last_purchase_at, coalesce(c.probability, -1) as rank
      from bought as b
      left join customer_churn as c
        on c.tenant_id = $1 and c.venue_id = $4 and c.customer_id = b.customer_id
     where b.is_silent
)
select counted.customer_count, counted.silent_count, page.customer_id, page.last_purchase_at, page.rank
  from (select (select count(*) from bought) as customer_count,
               (select count(*) from silent) as silent_count) as counted
  left join lateral (
       select customer_id, last_purchase_at, rank
         from silent
        where $5::double precision is null
           or (-rank, last_purchase_at, customer_id) > (-$5::double precision, $6::timestamptz, $7::uuid)
        order by rank desc, last_purchase_at, customer_id
        limit $8) as page on true
 order by page.rank desc, page.last_purchase_at, page.customer_id
"""

# As above over several venues, each with probabilities of its own: nothing is bought at any of them with the
# product of these, if all are known. One statement for both would group by place and then by customer where
# once is enough, and join those who are not silent: it took half as long again over a whole tenant.
_OF_VENUES = """
with bought_at as materialized (
    select at_venue.customer_id, v.venue_id, at_venue.last_purchase_at,
           at_venue.last_purchase_at < v.since as is_silent
      from unnest($2::uuid[], $3::timestamptz[]) as v (venue_id, since)
     cross join lateral (
           select customer_id, max(sold_at) as last_purchase_at
             from purchases
            where tenant_id = $1 and venue_id = v.venue_id and order_count = 1
            group by customer_id) as at_venue
), bought as materialized (
    select b.customer_id, max(b.last_purchase_at) as last_purchase_at, bool_and(b.is_silent) as is_silent,
           case when count(c.probability) < count(*) then -1
                when count(*) = 1 then min(c.probability)
                else exp(sum(ln(greatest(c.probability, 1e-300)))) end as rank
      from bought_at as b
      left join customer_churn as c
        on c.tenant_id = $1 and c.venue_id = b.venue_id and c.customer_id = b.customer_id
     group by b.customer_id
), silent as materialized (
    select customer_id, last_purchase_at, rank from bought where is_silent
)
select counted.customer_count, counted.silent_count, page.customer_id, page.last_purchase_at, page.rank
  from (select (select count(*) from bought) as customer_count,
               (select count(*) from silent) as silent_count) as counted
  left join lateral (
       select customer_id, last_purchase_at, rank
         from silent
        where $4::double precision is null
           or (-rank, last_purchase_at, customer_id) > (-$4::double precision, $5::timestamptz, $6::uuid)
        order by rank desc, last_purchase_at, customer_id
        limit $7) as page on true
 order by page.rank desc, page.last_purchase_at, page.customer_id
"""


async def select_venues(conn: Connection, tenant_id: UUID, venue_id: UUID | None) -> list[tuple[UUID, str]]:
    """The venue, or all that the transaction sees, with their zones."""
    rows = await conn.fetch(_VENUES, tenant_id, venue_id)
    return [(row["venue_id"], row["time_zone"]) for row in rows]


async def select_silent(
    conn: Connection,
    tenant_id: UUID,
    since: Sequence[tuple[UUID, datetime]],
    place: UUID | None,
    *,
    after: Sequence[Any] | None,
    limit: int,
) -> SilentPage:
    """Customers of some venues who bought at none of them since its instant.

    Where scores have counted a place's customers and enough of them are foretold, the cost is that of the
    page and of counting scores; else it is that of everything sold.

    Args:
        conn: The tenant's open transaction.
        tenant_id: The tenant.
        since: The venues, each with its instant.
        place: Whose stored probabilities hold; None: each venue's own.
        after: Rank, last purchase and id of the page before; None: the first page.
        limit: Most customers.
    """
    if place is not None:
        foretold = await select_foretold(conn, tenant_id, since, place, after=after, limit=limit)
        if foretold is not None:
            return foretold
    return await select_of_everyone(conn, tenant_id, since, place, after=after, limit=limit)


async def select_of_everyone(
    conn: Connection,
    tenant_id: UUID,
    since: Sequence[tuple[UUID, datetime]],
    place: UUID | None,
    *,
    after: Sequence[Any] | None,
    limit: int,
) -> SilentPage:
    """`select_silent` from all purchases."""
    venue_ids, moments = [venue_id for venue_id, _ in since], [moment for _, moment in since]
    position = (*(after or (None, None, None)), limit)
    await conn.execute(_IN_ORDER)
    if place is None:
        rows = await conn.fetch(_OF_VENUES, tenant_id, venue_ids, moments, *position)
    else:
        rows = await conn.fetch(_OF_PLACE, tenant_id, venue_ids, moments, place, *position)
    await conn.execute(_AS_BEFORE)
    found = [
        Silent(row["customer_id"], row["last_purchase_at"], row["rank"]) for row in rows if row["customer_id"]
    ]
    return SilentPage(found, rows[0]["silent_count"], rows[0]["customer_count"])
