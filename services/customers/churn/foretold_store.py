"""SQL of silent customers as runs have left them: who is most likely to stay away, and how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.postgres.database import Connection

# Grain: one place ($2) of the venues in $3; no row where nobody has counted its customers since its facts
# were made anew. A row of scores says that its customer has a purchase that stands, and when the last one
# was. It may be wrong of whoever has a mark or bought since the run, and does not tell enough of those who
# bought between the instants of $4, if these differ: they are looked up. Scores are read whole for the silent
# (half a second of a million). Indexes: segment_totals_pkey; rfm_pending_pkey and purchases_by_venue for whom
# to look up; customer_rfm_scores_pkey and purchases_by_venue_customer for each of them.
_COUNTS = """
with run as (
    select computed_at, counted_at
      from rfm_runs
     where tenant_id = $1 and venue_id = $2
     order by computed_at desc
     limit 1
), due as materialized (
    select customer_id
      from rfm_pending
     where tenant_id = $1 and venue_id = any($3::uuid[])
     union
    select sale.customer_id
      from run
     cross join unnest($3::uuid[]) as v (venue_id)
     cross join lateral (
           select customer_id
             from purchases
            where tenant_id = $1 and venue_id = v.venue_id and sold_at >= run.computed_at) as sale
     union
    select customer_id
      from customer_rfm_scores
     where tenant_id = $1 and venue_id = $2
       and last_purchase_at >= (select min(since) from unnest($4::timestamptz[]) as v (since))
       and last_purchase_at < (select max(since) from unnest($4::timestamptz[]) as v (since))
       and (select count(distinct since) > 1 from unnest($4::timestamptz[]) as v (since))
), kept as (
    select (select coalesce(sum(customer_count), 0)
              from segment_totals
             where tenant_id = $1 and venue_id = $2) as customer_count,
           (select count(*)
              from customer_rfm_scores
             where tenant_id = $1 and venue_id = $2
               and last_purchase_at < (select min(since) from unnest($4::timestamptz[]) as v (since)))
               as silent_count
), stored as (
    select count(*) as customer_count,
           count(*) filter (where row.last_purchase_at
                                  < (select min(since) from unnest($4::timestamptz[]) as v (since)))
               as silent_count
      from due
     cross join lateral (
           select score.last_purchase_at
             from customer_rfm_scores as score
            where score.tenant_id = $1 and score.venue_id = $2 and score.customer_id = due.customer_id
            limit 1) as row
), live as (
    select count(*) as customer_count, count(*) filter (where bought.is_silent) as silent_count
      from due
     cross join lateral (
           select bool_and(sale.sold_at < v.since) as is_silent
             from unnest($3::uuid[], $4::timestamptz[]) as v (venue_id, since)
             join purchases as sale
               on sale.tenant_id = $1 and sale.venue_id = v.venue_id and sale.customer_id = due.customer_id
              and sale.order_count = 1
           having count(*) > 0) as bought
)
select (kept.customer_count - stored.customer_count + live.customer_count)::bigint as customer_count,
       kept.silent_count - stored.silent_count + live.silent_count as silent_count
  from run
 cross join kept
 cross join stored
 cross join live
 where run.counted_at is not null
"""

# Grain: one customer as in _OF_PLACE, of the $9 with the greatest probabilities not above that of the page
# before. Indexes: customer_churn_by_probability, backwards; purchases_by_venue_customer for each. Of equal
# probabilities those at the end may not all be among them, so that nobody of theirs is given.
_FORETOLD = """
with foretold as materialized (
    select customer_id, probability
      from customer_churn
     where tenant_id = $1 and venue_id = $4
       and ($5::double precision is null or probability <= $5::double precision)
     order by probability desc
     limit $9
), silent as (
    select foretold.customer_id, bought.last_purchase_at, foretold.probability as rank
      from foretold
     cross join lateral (
           select max(sale.sold_at) as last_purchase_at
             from unnest($2::uuid[], $3::timestamptz[]) as v (venue_id, since)
             join purchases as sale
               on sale.tenant_id = $1 and sale.venue_id = v.venue_id
              and sale.customer_id = foretold.customer_id and sale.order_count = 1
           having bool_and(sale.sold_at < v.since)) as bought
)
select customer_id, last_purchase_at, rank
  from silent
 where rank > (select min(probability) from foretold)
   and ($5::double precision is null
        or (-rank, last_purchase_at, customer_id) > (-$5::double precision, $6::timestamptz, $7::uuid))
 order by rank desc, last_purchase_at, customer_id
 limit $8
"""
_MOST_FORETOLD = 5_000


@dataclass(frozen=True, slots=True)
class Silent:
    """A customer who is at risk, in the order of the list."""

    customer_id: UUID
    last_purchase_at: datetime
    rank: float


@dataclass(frozen=True, slots=True)
class SilentPage:
    """Some of them, how many there are, and of how many customers."""

    customers: Sequence[Silent]
    silent_count: int
    customer_count: int


async def select_foretold(
    conn: Connection,
    tenant_id: UUID,
    since: Sequence[tuple[UUID, datetime]],
    place: UUID,
    *,
    after: Sequence[Any] | None,
    limit: int,
    most: int = _MOST_FORETOLD,
) -> SilentPage | None:
    """`risk_store.select_silent` of one place; None: that takes all purchases.

    It does where no run has counted the place's customers, and where among the `most` who are looked at fewer
    are silent than are asked for.
    """
    venue_ids, moments = [venue_id for venue_id, _ in since], [moment for _, moment in since]
    position = (*(after or (None, None, None)), limit)
    rows = await conn.fetch(_FORETOLD, tenant_id, venue_ids, moments, place, *position, most)
    if len(rows) < limit:
        return None
    counts = await conn.fetchrow(_COUNTS, tenant_id, place, venue_ids, moments)
    if counts is None:
        return None
    return SilentPage([Silent(*row) for row in rows], counts["silent_count"], counts["customer_count"])
