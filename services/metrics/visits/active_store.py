"""SQL of the sessions active now, one page at a time."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple, Self
from uuid import UUID

from libs.common.postgres.database import Connection

_CLOCKS_DIFFER: Final = timedelta(minutes=5)

# Grain: one number. Index: sessions_by_activity; reads the active sessions of one venue.
_ACTIVE = """
select count(*) as active_count, max(last_seen_at) as newest_fact_at
  from sessions
 where tenant_id = $1 and venue_id = $2 and last_seen_at >= $3 and last_seen_at < $4
"""

# Grain: one active session, the latest first, behind ($4, $5). Index: sessions_by_activity, from
# the position backwards; order_sessions_by_session for each row of the page.
_PAGE = """
select session_id, page, event_id, device_class, started_at, last_seen_at, page_view_count, furthest_step,
       exists (select
                 from order_sessions as sale
                where sale.tenant_id = $1 and sale.session_id = seen.session_id and sale.venue_id = $2
              ) as has_ordered
  from sessions as seen
 where tenant_id = $1 and venue_id = $2 and last_seen_at >= $3
   and last_seen_at <= $4 and (last_seen_at, session_id) < ($4, $5)
 order by last_seen_at desc, session_id desc
 limit $6
"""


class ActiveRow(NamedTuple):
    """A session as it is kept; without a view, page and device class are empty, the show is the zero id."""

    session_id: str
    page: str
    event_id: UUID
    device_class: str
    started_at: datetime
    last_seen_at: datetime
    page_view_count: int
    furthest_step: int
    has_ordered: bool


class Interval(NamedTuple):
    """Sessions that were last seen from `since` up to, not including, `until` are active."""

    since: datetime
    until: datetime

    @classmethod
    def at(cls, now: datetime, active_seconds: int) -> Self:
        """What is active at one moment; a session that is dated further ahead than clocks differ is not."""
        return cls(now - timedelta(seconds=active_seconds), now + _CLOCKS_DIFFER)


class Activity(NamedTuple):
    """How many sessions are active, and when one of them did something last."""

    active_count: int
    newest_fact_at: datetime | None


async def select_activity(conn: Connection, tenant_id: UUID, venue_id: UUID, active: Interval) -> Activity:
    """What there is to list."""
    row = await conn.fetchrow(_ACTIVE, tenant_id, venue_id, active.since, active.until)
    assert row is not None  # an aggregate without groups has one row
    return Activity(**dict(row))


async def select_active(
    conn: Connection,
    tenant_id: UUID,
    venue_id: UUID,
    active: Interval,
    *,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[ActiveRow]:
    """Active sessions behind a position, or the first ones, at most `limit`."""
    position = after or (active.until, "")
    rows = await conn.fetch(_PAGE, tenant_id, venue_id, active.since, *position, limit)
    return [ActiveRow(**dict(row)) for row in rows]
