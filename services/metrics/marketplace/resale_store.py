"""SQL of resales beside their face value."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.buckets import Window
from libs.common.postgres.database import Connection

# Grain: one show with resales. Index: resales_by_show. The median is of price over face value, whatever the
# currency, over resales of known face value.
_BY_SHOW = """
select event_id, count(*) as resale_count,
       percentile_cont(0.5) within group (
           order by price_minor::double precision / nullif(face_value_minor, 0)) as median_price_ratio,
       max(resold_at) as newest_fact_at
  from resales
 where tenant_id = $1 and event_id = any($2::uuid[])
 group by event_id
"""

# Grain: venue ($5) and show ($6) where these are asked for; one row otherwise. A median has no sums to be
# kept in, so the resales of the window are read one by one: by shows where any are given, otherwise venue by
# venue (the branch that is not asked for is not run). Index: resales_by_show or resales_by_time. `offset 0`
# keeps the planner from reading every resale first and joining the venues then.
_RATIOS = """
with chosen as materialized (
    select venue_id
      from venues
     where tenant_id = $1 and cardinality($3::uuid[]) = 0
       and (cardinality($2::uuid[]) = 0 or venue_id = any($2))
), resold as (
    select resale.*
      from chosen
      cross join lateral (
           select venue_id, event_id, price_minor, face_value_minor, resold_at
             from resales
            where tenant_id = $1 and venue_id = chosen.venue_id
              and resold_at >= $4 and resold_at < $7
           offset 0) as resale
    union all
    select venue_id, event_id, price_minor, face_value_minor, resold_at
      from resales
     where tenant_id = $1 and event_id = any($3) and (cardinality($2) = 0 or venue_id = any($2))
       and resold_at >= $4 and resold_at < $7
), labelled as (
    select case when $5::boolean then venue_id end as venue_id,
           case when $6::boolean then event_id end as event_id,
           price_minor::double precision / nullif(face_value_minor, 0) as price_ratio, resold_at
      from resold
)
select venue_id, event_id, count(*) as resale_count, count(price_ratio) as ratio_count,
       percentile_cont(0.5) within group (order by price_ratio) as median_price_ratio,
       max(resold_at) as newest_fact_at
  from labelled
 group by venue_id, event_id
 order by venue_id, event_id
 limit $8
"""


class ShowMarket(NamedTuple):
    """Resales of one show; the ratio is None where no face value is known."""

    resale_count: int
    median_price_ratio: float | None
    newest_fact_at: datetime


class ResaleRatio(NamedTuple):
    """Resales of one venue and show; labels that were not asked for are None.

    The median is of price over face value, whatever the currency, over the `ratio_count` resales of known
    face value; None without any.
    """

    venue_id: UUID | None
    event_id: UUID | None
    resale_count: int
    ratio_count: int
    median_price_ratio: float | None
    newest_fact_at: datetime


async def select_by_show(
    conn: Connection, tenant_id: UUID, event_ids: Collection[UUID]
) -> dict[UUID, ShowMarket]:
    """All resales of these shows; shows without one are left out."""
    rows = await conn.fetch(_BY_SHOW, tenant_id, list(event_ids))
    return {row["event_id"]: ShowMarket(*tuple(row)[1:]) for row in rows}


async def select_ratios(
    conn: Connection,
    tenant_id: UUID,
    window: Window,
    *,
    venue_ids: Collection[UUID],
    event_ids: Collection[UUID],
    by_venue: bool,
    by_event: bool,
    limit: int,
) -> list[ResaleRatio]:
    """As `MarketplaceReader` says it; the transaction's venue grant limits the answer."""
    rows = await conn.fetch(
        _RATIOS,
        tenant_id,
        list(venue_ids),
        list(event_ids),
        window.start,
        by_venue,
        by_event,
        window.end,
        limit,
    )
    return [ResaleRatio(*row) for row in rows]
