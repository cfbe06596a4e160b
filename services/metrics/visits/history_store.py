"""SQL that keeps the days of sessions, and the gaps between them."""

from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.metrics.visits.histories import Gap, HistoryKey, gap_changes, longer, with_all_venues

# Grain: session, venue and day of a batch that its history does not have yet. Index: session_histories_pkey,
# fenced, so that it is read key by key however many sessions the planner believes the tenant has. Read
# without a lock: days are only ever added, so what is there now is there for good.
_NEW_DAYS = """
select new.venue_id, new.session_id, new.day
  from unnest($2::uuid[], $3::text[], $4::date[]) as new (venue_id, session_id, day)
  left join lateral (
       select days
         from session_histories
        where tenant_id = $1 and venue_id = new.venue_id and session_id = new.session_id
       offset 0) as kept on true
 where kept.days is null or not new.day = any(kept.days)
"""

# The statements below: by their tables' keys, sorted by key so that two transactions wait in one order.

# Grain: one history: made with its days (most sessions come on one day), or locked as it was. xmax is what a
# row has that was there before.
_MAKE_OR_LOCK = """
insert into session_histories as kept (tenant_id, venue_id, session_id, days, last_day)
select $1, venue_id, session_id, days::date[], last_day
  from unnest($2::uuid[], $3::text[], $4::text[], $5::date[]) as new (venue_id, session_id, days, last_day)
 order by venue_id, session_id
on conflict (tenant_id, venue_id, session_id) do update
   set last_day = kept.last_day
returning venue_id, session_id, case when xmax = 0 then '{}' else days end as known_days
"""
# Grain: one history that this transaction has locked.
_PUT = """
insert into session_histories (tenant_id, venue_id, session_id, days, last_day)
select $1, venue_id, session_id, days::date[], last_day
  from unnest($2::uuid[], $3::text[], $4::text[], $5::date[]) as new (venue_id, session_id, days, last_day)
on conflict (tenant_id, venue_id, session_id) do update
   set days = excluded.days, last_day = excluded.last_day
"""
# Grain: venue, day and the day before. A sum: it commutes.
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
        rows = await self._driver.fetch(_MAKE_OR_LOCK, self._tenant_id, *_columns(new))
        known = {HistoryKey(row["venue_id"], row["session_id"]): row["known_days"] for row in rows}
        after = longer(known, new)
        grown = {key: days for key, days in after.items() if known[key]}
        if grown:
            await self._driver.execute(_PUT, self._tenant_id, *_columns(grown))
        await self._add_gaps(gap_changes(known, after))

    async def _lacking(self, days: Mapping[HistoryKey, set[date]]) -> dict[HistoryKey, set[date]]:
        asked = [(*key, day) for key, own in days.items() for day in own]
        lacking: dict[HistoryKey, set[date]] = {}
        for row in await self._driver.fetch(_NEW_DAYS, self._tenant_id, *columns(asked, 3)):
            lacking.setdefault(HistoryKey(row["venue_id"], row["session_id"]), set()).add(row["day"])
        return lacking

    async def _add_gaps(self, changes: Mapping[Gap, int]) -> None:
        rows = [(*gap, count) for gap, count in changes.items()]
        await self._driver.execute(_ADD_GAPS, self._tenant_id, *columns(rows, 4))


def _columns(histories: Mapping[HistoryKey, Iterable[date]]) -> list[list[object]]:
    rows = []
    for key, days in histories.items():
        own = sorted(days)
        rows.append((*key, f"{{{','.join(map(str, own))}}}", own[-1]))
    return columns(rows, 4)
