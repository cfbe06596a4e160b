"""SQL that keeps visits: facts, session days and sessions."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.metrics.visits.facts import VisitFact
from services.metrics.visits.tallies import NO_SHOW, DayKey, Session, SessionDay

# Every statement below: sorted by its key so that two transactions wait in one order.

# Grain: one fact and show. Index: session_activity_pkey. Returns what was not there: a repeat counts nowhere.
_INSERT_ACTIVITY = """
insert into session_activity (tenant_id, venue_id, session_id, happened_at, fact_id, event_id, step)
select $1, venue_id, session_id, happened_at, fact_id, event_id, step
  from unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::uuid[], $6::uuid[], $7::smallint[])
       as new (venue_id, session_id, happened_at, fact_id, event_id, step)
 order by venue_id, session_id, happened_at, fact_id, event_id
on conflict do nothing
returning fact_id
"""

# Grain: session, day and show (zero id: all). Index: session_days_pkey. least() and greatest() ignore nulls.
_ADD_DAYS = """
insert into session_days as kept (tenant_id, venue_id, event_id, day, session_id, first_visit_at,
                                  last_visit_at, first_event_page_at, first_cart_at, first_checkout_at)
select $1, venue_id, event_id, day, session_id, first_visit_at, last_visit_at,
       first_event_page_at, first_cart_at, first_checkout_at
  from unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::timestamptz[], $7::timestamptz[],
              $8::timestamptz[], $9::timestamptz[], $10::timestamptz[])
       as new (venue_id, event_id, day, session_id, first_visit_at, last_visit_at,
               first_event_page_at, first_cart_at, first_checkout_at)
 order by venue_id, event_id, day, session_id
on conflict (tenant_id, venue_id, event_id, day, session_id) do update
   set first_visit_at = least(kept.first_visit_at, excluded.first_visit_at),
       last_visit_at = greatest(kept.last_visit_at, excluded.last_visit_at),
       first_event_page_at = least(kept.first_event_page_at, excluded.first_event_page_at),
       first_cart_at = least(kept.first_cart_at, excluded.first_cart_at),
       first_checkout_at = least(kept.first_checkout_at, excluded.first_checkout_at)
"""

# Grain: one session at one venue. Index: sessions_pkey. The latest view replaces the one before as a whole.
_ADD_SESSIONS = """
insert into sessions as kept (tenant_id, venue_id, session_id, started_at, last_seen_at, furthest_step,
                              page_view_count, viewed_at, view_id, page, event_id, device_class)
select $1, venue_id, session_id, started_at, last_seen_at, furthest_step, page_view_count,
       coalesce(viewed_at, '-infinity'), view_id, page, event_id, device_class
  from unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::smallint[], $7::bigint[],
              $8::timestamptz[], $9::uuid[], $10::text[], $11::uuid[], $12::text[])
       as new (venue_id, session_id, started_at, last_seen_at, furthest_step, page_view_count,
               viewed_at, view_id, page, event_id, device_class)
 order by venue_id, session_id
on conflict (tenant_id, venue_id, session_id) do update
   set started_at = least(kept.started_at, excluded.started_at),
       last_seen_at = greatest(kept.last_seen_at, excluded.last_seen_at),
       furthest_step = greatest(kept.furthest_step, excluded.furthest_step),
       page_view_count = kept.page_view_count + excluded.page_view_count,
       viewed_at = greatest(kept.viewed_at, excluded.viewed_at),
       view_id = case when (excluded.viewed_at, excluded.view_id) > (kept.viewed_at, kept.view_id)
                      then excluded.view_id else kept.view_id end,
       page = case when (excluded.viewed_at, excluded.view_id) > (kept.viewed_at, kept.view_id)
                   then excluded.page else kept.page end,
       event_id = case when (excluded.viewed_at, excluded.view_id) > (kept.viewed_at, kept.view_id)
                       then excluded.event_id else kept.event_id end,
       device_class = case when (excluded.viewed_at, excluded.view_id) > (kept.viewed_at, kept.view_id)
                           then excluded.device_class else kept.device_class end
"""


class VisitStore:
    """Visits of one tenant inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def insert(self, facts: Sequence[VisitFact]) -> Collection[UUID]:
        """Keep the facts; returns the ids of those that were not there."""
        rows = [
            (fact.venue_id, fact.session_id, fact.at, fact.fact_id, event_id, fact.step)
            for fact in facts
            for event_id in fact.event_ids or (NO_SHOW,)
        ]
        kept = await self._driver.fetch(_INSERT_ACTIVITY, self._tenant_id, *columns(rows, 6))
        return {row["fact_id"] for row in kept}

    async def add_days(self, days: Mapping[DayKey, SessionDay]) -> None:
        """Widen session days by what new facts say."""
        rows = [
            (*key, day.first_at, day.last_at, day.event_page_at, day.cart_at, day.checkout_at)
            for key, day in days.items()
        ]
        await self._driver.execute(_ADD_DAYS, self._tenant_id, *columns(rows, 9))

    async def add_sessions(self, sessions: Mapping[tuple[UUID, str], Session]) -> None:
        """Carry new facts into their sessions."""
        rows = [(*key, *_columns(session)) for key, session in sessions.items()]
        await self._driver.execute(_ADD_SESSIONS, self._tenant_id, *columns(rows, 11))


def _columns(session: Session) -> tuple[object, ...]:
    viewed_at, view_id = session.viewed or (None, NO_SHOW)
    page, event_id, device_class = session.view or ("", None, "")
    return (
        session.started_at,
        session.last_seen_at,
        session.furthest_step,
        session.page_view_count,
        viewed_at,
        view_id,
        page,
        event_id or NO_SHOW,
        device_class,
    )
