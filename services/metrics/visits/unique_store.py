"""SQL of the unique sessions of one long window."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple, Self
from uuid import UUID

from libs.common.buckets import Window
from libs.common.postgres.database import Connection
from services.metrics.visits.histories import ALL_VENUES
from services.metrics.visits.tallies import NO_SHOW

_DAY: Final = timedelta(days=1)

# Grain: one window. Whole days ($6 to $7): a session is unique on its first day there, the one whose day
# before lies before the window; a sum over session_gaps_pkey, a few rows a day. Days that the window cuts
# ($8): their sessions by session_days_pkey; those that did something in the window's part of the day count
# unless they were also there on one of the whole days, by session_histories_pkey. Orders of the window by
# order_sessions_by_time, held against the same two. So the cost follows two days' sessions and the window's
# orders, whatever its length. Histories are looked up one by one (lateral, an aggregate): the planner cannot
# see how few are asked for, and would read all. Row-level security limits the answer to the granted venues.
_UNIQUE = """
with chosen as materialized (
    select venue_id
      from venues
     where tenant_id = $1 and ($2::uuid is null or venue_id = $2)
), whole_days as materialized (
    select coalesce(sum(session_count) filter (where previous_day < $6), 0)::bigint as visitor_count,
           (max(day) filter (where session_count > 0))::timestamp at time zone 'UTC' as last_day
      from session_gaps
     where tenant_id = $1 and venue_id = $3 and day >= $6 and day < $7
), cut_days as (
    select kept.session_id,
           max(case when kept.last_visit_at < $5 then kept.last_visit_at
                    else (select max(happened_at)
                            from session_activity
                           where tenant_id = $1 and venue_id = kept.venue_id
                             and session_id = kept.session_id
                             and happened_at >= $7::timestamp at time zone 'UTC'
                             and happened_at >= kept.first_visit_at and happened_at < $5) end) as seen_at
      from chosen
      join session_days as kept on kept.venue_id = chosen.venue_id
     where kept.tenant_id = $1 and kept.event_id = $9 and kept.day = any($8::timestamptz[])
       and kept.last_visit_at >= $4 and kept.first_visit_at < $5
     group by kept.session_id
), orders as (
    select session_id, max(sold_at) as sold_at
      from chosen
      join order_sessions as sale on sale.venue_id = chosen.venue_id
     where sale.tenant_id = $1 and sale.sold_at >= $4 and sale.sold_at < $5
     group by session_id
), came as materialized (
    select session_id, max(seen_at) as seen_at, max(sold_at) as sold_at
      from (select session_id, seen_at, null::timestamptz as sold_at from cut_days
            union all
            select session_id, null, sold_at from orders) as fact
     group by session_id
), named as materialized (
    select seen_at, sold_at,
           exists (select from unnest(history.days) as day where day >= $6 and day < $7) as has_whole_day
      from came
      cross join lateral (
           select max(days) as days
             from session_histories
            where tenant_id = $1 and venue_id = $3 and session_id = came.session_id
           offset 0) as history
), summed as (
    select count(*) filter (where seen_at is not null and not has_whole_day) as cut_visitor_count,
           count(*) filter (where sold_at is not null) as ordering_session_count,
           count(*) filter (where seen_at is null and not has_whole_day) as only_ordering_count,
           max(seen_at) as seen_at, max(sold_at) as sold_at
      from named
)
select visitor_count + cut_visitor_count as visitor_count, ordering_session_count,
       visitor_count + cut_visitor_count + only_ordering_count as session_count,
       greatest(sold_at, seen_at,
                case when seen_at is null or seen_at < last_day then (
                    select max(kept.last_visit_at)
                      from chosen
                      join session_days as kept on kept.venue_id = chosen.venue_id
                     where kept.tenant_id = $1 and kept.event_id = $9
                       and kept.day >= $6::timestamp at time zone 'UTC'
                       and kept.day < $7::timestamp at time zone 'UTC'
                       and kept.day = (select last_day from whole_days))
                end) as newest_fact_at
  from summed
  cross join whole_days
"""


class UniqueSessions(NamedTuple):
    """Unique sessions of a window; the counts are those of `VisitCounts`, `newest_fact_at` None: nothing."""

    visitor_count: int
    ordering_session_count: int
    session_count: int
    newest_fact_at: datetime | None


class WholeDays(NamedTuple):
    """The days (UTC, by their first instants) of a window: `start` to `end` whole, `cut` in part."""

    start: datetime
    end: datetime
    cut: tuple[datetime, ...]

    @classmethod
    def of(cls, window: Window) -> Self | None:
        """The days of a window that is given in UTC; None when none of them is whole."""
        first, last = _day_of(window.start), _day_of(window.end)
        start = first if first == window.start else first + _DAY
        if start >= last:
            return None
        cut = [day for day, is_cut in ((first, first < start), (last, last < window.end)) if is_cut]
        return cls(start, last, tuple(cut))


async def select_unique(
    conn: Connection, tenant_id: UUID, window: Window, days: WholeDays, venue_id: UUID | None
) -> UniqueSessions:
    """Unique sessions of one venue, or of all; for all, the transaction must have no venue grant."""
    row = await conn.fetchrow(
        _UNIQUE,
        tenant_id,
        venue_id,
        venue_id or ALL_VENUES,
        window.start,
        window.end,
        days.start.date(),
        days.end.date(),
        list(days.cut),
        NO_SHOW,
    )
    assert row is not None  # an aggregate without groups has one row
    return UniqueSessions(*row)


def _day_of(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)
