"""SQL that keeps the days of sessions, and the gaps between them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.columns import columns
from services.metrics.visits.histories import Gap, HistoryKey, gap_changes, longer, with_all_venues

# Grain: session, venue and day of a batch that its history does not have yet. Index: session_histories_pkey.
# Read without a lock: days are only ever added, so what is there now is there for good.
_NEW_DAYS = """
select new.venue_id, new.session_id, new.day
  from unnest($2::uuid[], $3::text[], $4::date[]) as new (venue_id, session_id, day)
  left join session_histories as kept
    on kept.tenant_id = $1 and kept.venue_id = new.venue_id and kept.session_id = new.session_id
 where kept.days is null or not new.day = any(kept.days)
"""

# The statements below: sorted by key so that two transactions wait in one order.

# Grain: one history. A row without days, to be locked; its transaction adds them.
_MAKE = """
insert into session_histories (tenant_id, venue_id, session_id, days, last_day)
select $1, venue_id, session_id, '{}', '-infinity'
  from unnest($2::uuid[], $3::text[]) as new (venue_id, session_id)
 order by venue_id, session_id
on conflict do nothing
"""
# Grain: one history. Index: session_histories_pkey.
_LOCK = """
select kept.venue_id, kept.session_id, kept.days
  from unnest($2::uuid[], $3::text[]) as asked (venue_id, session_id)
  join session_histories as kept
    on kept.tenant_id = $1 and kept.venue_id = asked.venue_id and kept.session_id = asked.session_id
 order by kept.venue_id, kept.session_id
   for update of kept
"""
# Grain: one history that this transaction has locked. Index: session_histories_pkey.
_PUT = """
update session_histories as kept
   set days = new.days::date[], last_day = new.last_day
  from unnest($2::uuid[], $3::text[], $4::text[], $5::date[]) as new (venue_id, session_id, days, last_day)
 where kept.tenant_id = $1 and kept.venue_id = new.venue_id and kept.session_id = new.session_id
"""
# Grain: venue, day and the day before. Index: session_gaps_pkey. A sum: it commutes.
_ADD_GAPS = """
insert into session_gaps as kept (tenant_id, venue_id, day, previous_day, session_count)
select $1, venue_id, day, previous_day, session_count
  from unnest($2::uuid[], $3::date[], $4::date[], $5::bigint[])
       as new (venue_id, day, previous_day, session_count)
 order by venue_id, day, previous_day
on conflict (tenant_id, venue_id, day, previous_day) do update
   set session_count = kept.session_count + excluded.session_count
"""


class HistoryStore:
    """Histories of one tenant's sessions inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def add(self, days: Mapping[HistoryKey, set[date]]) -> None:
        """Add days at venues to the histories that lack them; few batches bring more than a few."""
        new = await self._lacking(days)
        if not new:
            return
        new = with_all_venues(new)
        known = await self._locked(new)
        after = longer(known, new)
        rows = [(*key, f"{{{','.join(map(str, own))}}}", own[-1]) for key, own in after.items()]
        await self._driver.execute(_PUT, self._tenant_id, *columns(rows, 4))
        await self._add_gaps(gap_changes(known, after))

    async def _lacking(self, days: Mapping[HistoryKey, set[date]]) -> dict[HistoryKey, set[date]]:
        asked = [(*key, day) for key, own in days.items() for day in own]
        lacking: dict[HistoryKey, set[date]] = {}
        for row in await self._driver.fetch(_NEW_DAYS, self._tenant_id, *columns(asked, 3)):
            lacking.setdefault(HistoryKey(row["venue_id"], row["session_id"]), set()).add(row["day"])
        return lacking

    async def _locked(self, keys: Iterable[HistoryKey]) -> dict[HistoryKey, Sequence[date]]:
        asked = columns(keys, 2)
        await self._driver.execute(_MAKE, self._tenant_id, *asked)
        rows = await self._driver.fetch(_LOCK, self._tenant_id, *asked)
        return {HistoryKey(row["venue_id"], row["session_id"]): row["days"] for row in rows}

    async def _add_gaps(self, changes: Mapping[Gap, int]) -> None:
        rows = [(*gap, count) for gap, count in changes.items()]
        await self._driver.execute(_ADD_GAPS, self._tenant_id, *columns(rows, 4))
