"""What other capabilities read of the secondary market: resales by show, and by stretches of time."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database

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

# Grain: bucket between two edges, currency, and show where it is asked for. By shows where any are given,
# otherwise venue by venue (the branch that is not asked for is not run). Index: resales_by_show or
# resales_by_time. `offset 0` keeps the planner from reading every resale first and joining the venues then.
_RESALES = """
with chosen as materialized (
    select venue_id
      from venues
     where tenant_id = $1 and cardinality($4::uuid[]) = 0
       and (cardinality($3::uuid[]) = 0 or venue_id = any($3))
), resold as (
    select resale.*
      from chosen
      cross join lateral (
           select event_id, currency, price_minor, royalty_minor, resold_at
             from resales
            where tenant_id = $1 and venue_id = chosen.venue_id
              and resold_at >= $6 and resold_at < $7
           offset 0) as resale
    union all
    select event_id, currency, price_minor, royalty_minor, resold_at
      from resales
     where tenant_id = $1 and event_id = any($4) and (cardinality($3) = 0 or venue_id = any($3))
       and resold_at >= $6 and resold_at < $7
)
select width_bucket(resold_at, $2::timestamptz[]) - 1 as place,
       case when $5::boolean then event_id end as event_id, currency,
       count(*) as resale_count, sum(price_minor)::bigint as resale_minor,
       sum(royalty_minor)::bigint as royalty_minor, max(resold_at) as newest_fact_at
  from resold
 group by 1, 2, 3
 order by 1, 2, 3
"""


class ShowMarket(NamedTuple):
    """Resales of one show; the ratio is None where no face value is known."""

    resale_count: int
    median_price_ratio: float | None
    newest_fact_at: datetime


class Resales(NamedTuple):
    """Resales between two edges, of one show where that was asked for; money in minor units."""

    place: int
    event_id: UUID | None
    currency: str
    resale_count: int
    resale_minor: int
    royalty_minor: int
    newest_fact_at: datetime


class MarketplaceReader:
    """Resales of tenants; each question also within a transaction that is open already."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_show(self, scope: TenantScope, event_ids: Collection[UUID]) -> dict[UUID, ShowMarket]:
        """As `by_show_in`, in a transaction of its own."""
        async with self._database.transaction(scope) as conn:
            return await self.by_show_in(conn, scope.tenant_id, event_ids)

    async def by_show_in(
        self, conn: Connection, tenant_id: UUID, event_ids: Collection[UUID]
    ) -> dict[UUID, ShowMarket]:
        """All resales of these shows; shows without one are left out."""
        rows = await conn.fetch(_BY_SHOW, tenant_id, list(event_ids))
        return {
            row["event_id"]: ShowMarket(row["resale_count"], row["median_price_ratio"], row["newest_fact_at"])
            for row in rows
        }

    async def resales(
        self,
        scope: TenantScope,
        edges: Sequence[datetime],
        *,
        venue_ids: Collection[UUID] = (),
        event_ids: Collection[UUID] = (),
        by_event: bool = False,
    ) -> list[Resales]:
        """As `resales_in`, in a transaction of its own."""
        async with self._database.transaction(scope) as conn:
            return await self.resales_in(
                conn, scope.tenant_id, edges, venue_ids=venue_ids, event_ids=event_ids, by_event=by_event
            )

    async def resales_in(
        self,
        conn: Connection,
        tenant_id: UUID,
        edges: Sequence[datetime],
        *,
        venue_ids: Collection[UUID] = (),
        event_ids: Collection[UUID] = (),
        by_event: bool = False,
    ) -> list[Resales]:
        """Resales by bucket and currency; buckets without one are left out.

        Args:
            conn: A transaction of the tenant; its venue grant limits the answer.
            tenant_id: The tenant.
            edges: Ascending instants: n + 1 edges make n buckets, each without its last edge.
            venue_ids: Only these venues; empty: all.
            event_ids: Only these shows; empty: all.
            by_event: Whether to answer show by show.
        """
        rows = await conn.fetch(
            _RESALES,
            tenant_id,
            list(edges),
            list(venue_ids),
            list(event_ids),
            by_event,
            edges[0],
            edges[-1],
        )
        return [Resales(**dict(row)) for row in rows]
