"""SQL of the secondary market over a window."""

from dataclasses import fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from libs.common.buckets import Window
from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.metrics.marketplace.figures import MarketFigures, ShowActivity
from services.metrics.marketplace.listings import earliest_starts

MOST_SHOWS: Final = 500

# Grain: one show of a venue that the scope sees. Index: events_pkey.
_SHOW = """
select event_id
  from events
 where tenant_id = $1 and event_id = $2 and ($3::uuid is null or venue_id = $3)
"""

# Grain: the newest listing or resale before an instant: of a show, or of every chosen venue. Reads one row of
# listing_statements_by_show and resales_by_show, or one a venue of listing_statements_by_time and
# resales_by_time.
_NEWEST = """
with chosen as materialized (
    select venue_id
      from venues
     where tenant_id = $1 and $2::uuid is null and ($3::uuid is null or venue_id = $3)
), newest as (
    select greatest(
           (select max(stated_at)
              from listing_statements
             where tenant_id = $1 and venue_id = chosen.venue_id and stated_at < $4),
           (select max(resold_at)
              from resales
             where tenant_id = $1 and venue_id = chosen.venue_id and resold_at < $4)) as happened_at
      from chosen
    union all
    select greatest(
           (select max(stated_at)
              from listing_statements
             where tenant_id = $1 and event_id = $2 and stated_at < $4
               and ($3::uuid is null or venue_id = $3)),
           (select max(resold_at)
              from resales
             where tenant_id = $1 and event_id = $2 and resold_at < $4
               and ($3::uuid is null or venue_id = $3)))
)
select max(happened_at) from newest
"""

# Grain: currency, and show and currency. Medians have no sums to be kept in, so the resales of the window and
# the listings for sale at its end are read one by one: by show where one is asked for, otherwise venue by
# venue (the branches that are not asked for are not run). Indexes: resales_by_time and listings_by_time, or
# _by_show; listing_spans_by_reach or _by_show, once for each reach. A span that starts at the window's end
# has not begun, one that ends there is not over: a window holds what happened before its end. `offset 0`
# keeps the planner, which cannot see how few rows a reach leaves, from reading all spans before it joins.
_ACTIVITY = """
with chosen as materialized (
    select venue_id
      from venues
     where tenant_id = $1 and $2::uuid is null and ($3::uuid is null or venue_id = $3)
), reach as materialized (
    select hours, earliest_start
      from unnest($6::integer[], $7::timestamptz[]) as each (hours, earliest_start)
), happened as (
    select activity.*
      from chosen
      cross join lateral (
           select venue_id, event_id, currency, new_listing_count, resale_count, resale_minor, royalty_minor,
                  price_ratio, above_face_count
             from reporting_views.marketplace_activity
            where tenant_id = $1 and venue_id = chosen.venue_id
              and happened_at >= $4 and happened_at < $5
           offset 0) as activity
    union all
    select venue_id, event_id, currency, new_listing_count, resale_count, resale_minor, royalty_minor,
           price_ratio, above_face_count
      from reporting_views.marketplace_activity
     where tenant_id = $1 and event_id = $2 and ($3::uuid is null or venue_id = $3)
       and happened_at >= $4 and happened_at < $5
), for_sale as (
    select span.*
      from chosen
      cross join reach
      cross join lateral (
           select venue_id, event_id, currency, price_minor, face_value_minor
             from listing_spans
            where tenant_id = $1 and venue_id = chosen.venue_id and reach_hours = reach.hours
              and starts_at >= reach.earliest_start and starts_at < $5
              and (ends_at is null or ends_at >= $5)
           offset 0) as span
    union all
    select span.*
      from reach
      cross join lateral (
           select venue_id, event_id, currency, price_minor, face_value_minor
             from listing_spans
            where tenant_id = $1 and event_id = $2 and reach_hours = reach.hours
              and starts_at >= reach.earliest_start and starts_at < $5
              and (ends_at is null or ends_at >= $5) and ($3::uuid is null or venue_id = $3)
           offset 0) as span
), market as (
    select venue_id, event_id, currency, new_listing_count, 0 as active_listing_count, resale_count,
           resale_minor, royalty_minor, above_face_count, price_ratio as resale_ratio,
           null::double precision as listing_ratio
      from happened
    union all
    select venue_id, event_id, currency, 0, 1, 0, 0, 0, 0, null,
           price_minor::double precision / nullif(face_value_minor, 0)
      from for_sale
), figures as (
    select event_id, min(venue_id::text)::uuid as venue_id, currency,
           sum(new_listing_count)::bigint as new_listing_count,
           sum(active_listing_count)::bigint as active_listing_count,
           sum(resale_count)::bigint as resale_count, sum(resale_minor)::bigint as resale_minor,
           sum(royalty_minor)::bigint as royalty_minor, count(resale_ratio) as known_face_resale_count,
           sum(above_face_count)::bigint as above_face_count,
           percentile_cont(0.5) within group (order by resale_ratio) as median_resale_ratio,
           percentile_cont(0.5) within group (order by listing_ratio) as median_listing_ratio
      from market
     group by grouping sets ((currency), (event_id, currency))
), ranked as (
    select figures.*,
           row_number() over (
               partition by event_id is null
               order by case when event_id is null then 0 else resale_minor end desc,
                        currency, event_id) as place
      from figures
)
select ranked.event_id, events.name as event_name, coalesce(events.venue_id, ranked.venue_id) as venue_id,
       currency, new_listing_count, active_listing_count, resale_count, resale_minor, royalty_minor,
       known_face_resale_count, above_face_count, median_resale_ratio, median_listing_ratio
  from ranked
  left join events on events.tenant_id = $1 and events.event_id = ranked.event_id
 where ranked.event_id is null or place <= $8
 order by ranked.event_id is not null, place
"""

_FIGURES: Final = tuple(field.name for field in fields(MarketFigures))


async def show_exists(conn: Connection, tenant_id: UUID, event_id: UUID, venue_id: UUID | None) -> bool:
    """Whether the transaction sees the show, at this venue where one is given."""
    return await conn.fetchval(_SHOW, tenant_id, event_id, venue_id) is not None


async def newest_before(
    conn: Connection, tenant_id: UUID, event_id: UUID | None, venue_id: UUID | None, end: datetime
) -> datetime | None:
    """Time of the newest fact before the instant; None without one."""
    newest: datetime | None = await conn.fetchval(_NEWEST, tenant_id, event_id, venue_id, end)
    return newest


async def select_activity(
    conn: Connection, tenant_id: UUID, event_id: UUID | None, venue_id: UUID | None, window: Window
) -> tuple[tuple[MarketFigures, ...], tuple[ShowActivity, ...]]:
    """Figures by currency, and by show and currency: the largest resale amount first, at most MOST_SHOWS.

    Args:
        conn: A transaction of the tenant; its venue grant limits the answer.
        tenant_id: The tenant.
        event_id: Only this show, or None for all.
        venue_id: Only this venue, or None for all that the transaction sees.
        window: Which time.
    """
    reaches = columns(earliest_starts(window.end), 2)
    rows = await conn.fetch(
        _ACTIVITY, tenant_id, event_id, venue_id, window.start, window.end, *reaches, MOST_SHOWS
    )
    totals = tuple(_figures(row) for row in rows if row["event_id"] is None)
    shows = tuple(
        ShowActivity(row["event_id"], row["event_name"], row["venue_id"], _figures(row))
        for row in rows
        if row["event_id"] is not None
    )
    return totals, shows


def _figures(row: Any) -> MarketFigures:
    return MarketFigures(**{name: row[name] for name in _FIGURES})
