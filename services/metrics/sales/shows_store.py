"""SQL of shows, as far as the reading of sales needs them."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.sales.shows import Show

# Grain: one show. Index: events_pkey. Row-level security hides shows of venues that are not granted.
_HAS_SHOW: Final = """
select exists (
    select from events
     where tenant_id = $1 and event_id = $2 and ($3::uuid is null or venue_id = $3))
"""

# Grain: one show of those given. Index: events_pkey, order_lines_by_event, ticket_counts_pkey. What was sold
# before an instant is all that was sold less what was sold since: most questions end now, so that nothing was
# sold since, and both counts are of one snapshot.
_SHOWS: Final = """
select show.event_id, show.venue_id, show.name, show.starts_at,
       coalesce(show.doors_at, show.starts_at) as doors_at,
       least(show.on_sale_at, sold.first_at) as on_sale_at,
       coalesce(counted.ticket_count, 0)::bigint - coalesce(since.ticket_count, 0)::bigint as sold_count,
       greatest(nullif(show.revised_at, 'epoch'), show.cancelled_at) as newest_fact_at
  from events as show
  left join lateral (
       select min(sold_at) as first_at
         from order_lines
        where tenant_id = $1 and event_id = show.event_id) as sold on true
  left join lateral (
       select sum(sold_count - refunded_count) as ticket_count
         from ticket_counts
        where tenant_id = $1 and event_id = show.event_id) as counted on true
  left join lateral (
       select sum(ticket_count - refunded_ticket_count) as ticket_count
         from order_lines
        where tenant_id = $1 and event_id = show.event_id and sold_at >= $3) as since on true
 where show.tenant_id = $1 and show.event_id = any($2::uuid[])
"""


async def has_show(conn: Connection, tenant_id: UUID, event_id: UUID, venue_id: UUID | None) -> bool:
    """Whether the transaction sees this show, at this venue where one is given."""
    found: bool = await conn.fetchval(_HAS_SHOW, tenant_id, event_id, venue_id)
    return found


async def select_shows(
    conn: Connection, tenant_id: UUID, event_ids: Collection[UUID], sold_before: datetime
) -> dict[UUID, Show]:
    """Those of the shows that the transaction sees."""
    rows = await conn.fetch(_SHOWS, tenant_id, list(event_ids), sold_before)
    return {row["event_id"]: Show(**{**dict(row), "name": row["name"] or ""}) for row in rows}
