"""Forgets visits that are older than retention and not dropped with their partition."""

from datetime import timedelta
from typing import Final

from libs.common.postgres.database import Database

_A_ROUND: Final = 10_000

# Each statement: rows of any tenant, for the worker role, in rounds of bounded size, so that no transaction
# is long and no batch of visits waits. Partitions of months are dropped as a whole; what is older lies in the
# default partition, where imports of old visits go. That one has no index by time: it is read from its start
# to as many rows as a round takes.

# Grain: one fact and show before the oldest month that is kept.
_FORGET_ACTIVITY = """
with old as (
    select tenant_id, venue_id, session_id, happened_at, fact_id, event_id
      from session_activity
     where happened_at < date_trunc('month', now() - $1::interval, 'UTC')
     limit $2
)
delete from session_activity as kept
 using old
 where kept.tenant_id = old.tenant_id and kept.venue_id = old.venue_id and kept.session_id = old.session_id
   and kept.happened_at = old.happened_at and kept.fact_id = old.fact_id and kept.event_id = old.event_id
   and kept.happened_at < date_trunc('month', now() - $1::interval, 'UTC')
"""
# Grain: session, day and show before the oldest month that is kept.
_FORGET_DAYS = """
with old as (
    select tenant_id, venue_id, event_id, day, session_id
      from session_days
     where day < date_trunc('month', now() - $1::interval, 'UTC')
     limit $2
)
delete from session_days as kept
 using old
 where kept.tenant_id = old.tenant_id and kept.venue_id = old.venue_id and kept.event_id = old.event_id
   and kept.day = old.day and kept.session_id = old.session_id
   and kept.day < date_trunc('month', now() - $1::interval, 'UTC')
"""
# Grain: one session. Index: sessions_by_age.
_FORGET_SESSIONS = """
delete from sessions
 where ctid = any(array(select ctid from sessions where last_seen_at < now() - $1::interval limit $2))
"""
# Grain: one session whose last day is before the oldest month that is kept. Index: session_histories_by_age.
_FORGET_HISTORIES = """
delete from session_histories
 where ctid = any(array(select ctid
                          from session_histories
                         where last_day < date_trunc('month', (now() - $1::interval) at time zone 'UTC')
                         limit $2))
"""
# Grain: venue, day and day before. No index by day alone: a venue has a few rows a day.
_FORGET_GAPS = """
delete from session_gaps
 where ctid = any(array(select ctid
                          from session_gaps
                         where day < date_trunc('month', (now() - $1::interval) at time zone 'UTC')
                         limit $2))
"""

_STATEMENTS: Final = (_FORGET_ACTIVITY, _FORGET_DAYS, _FORGET_SESSIONS, _FORGET_HISTORIES, _FORGET_GAPS)


class VisitRetention:
    """Ends the life of old visits.

    Args:
        worker_database: Database of the worker role.
        retention_days: Age at which visits are forgotten.
        round_rows: Rows one transaction deletes at most.
    """

    def __init__(self, worker_database: Database, *, retention_days: int, round_rows: int = _A_ROUND) -> None:
        self._database = worker_database
        self._kept = timedelta(days=retention_days)
        self._round_rows = round_rows

    async def forget(self) -> int:
        """Delete what is too old; returns how many rows."""
        return sum([await self._delete(statement) for statement in _STATEMENTS])

    async def _delete(self, statement: str) -> int:
        total = 0
        while True:
            async with self._database.infrastructure() as conn:
                tag = await conn.execute(statement, self._kept, self._round_rows)
            deleted = int(tag.rpartition(" ")[2])
            total += deleted
            if deleted < self._round_rows:
                return total
