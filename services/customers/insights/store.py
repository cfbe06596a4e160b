"""SQL of kept findings."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from libs.common.paging import Position
from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.customers.insights.insight import Action, Found, Insight, Judged, evidence_values
from services.customers.insights.vocabulary import InsightType, Priority, State

MOST_ACTIONS: Final = 20
_PRIORITIES: Final = tuple(Priority)

# Grain: one finding of a page: by priority, then the latest found. Index: insights_by_priority. What an open
# row says of its state ends with `expires_at`.
_PAGE: Final = """
select insight_id, venue_id, type, subject, priority_rank, title, description, suggested_action, evidence,
       found_at, confirmed_at, expires_at, newest_fact_at, dismissed_at, dismiss_reason,
       case when state = 'open' and expires_at <= $3 then 'expired' else state end as state
  from insights
 where tenant_id = $1 and venue_id = $2
   and ($4::text is null or type = $4)
   and ($5::smallint is null or priority_rank = $5)
   and ($6::boolean is null or $6 = (state = 'open' and expires_at > $3 and suggested_action <> ''))
   and ($7::smallint is null
        or (priority_rank, found_at) < ($7, $8::timestamptz)
        or ((priority_rank, found_at) = ($7, $8::timestamptz) and insight_id > $9::uuid))
 order by priority_rank desc, found_at desc, insight_id
 limit $10
"""

# Grain: one finding. Index: insights_pkey. Row-level security hides those of venues that are not granted.
_ONE: Final = """
select insight_id, venue_id, type, subject, priority_rank, title, description, suggested_action, evidence,
       found_at, confirmed_at, expires_at, newest_fact_at, dismissed_at, dismiss_reason,
       case when state = 'open' and expires_at <= $3 then 'expired' else state end as state
  from insights
 where tenant_id = $1 and insight_id = $2
"""

# Grain: one action of the given findings, the latest 20 of each. Index: insight_actions_pkey.
_ACTIONS: Final = """
select asked.insight_id, done.action_id, done.action, done.parameters, done.taken_at
  from unnest($2::uuid[]) as asked (insight_id)
  cross join lateral (
       select action_id, action, parameters, taken_at
         from insight_actions
        where tenant_id = $1 and insight_id = asked.insight_id
        order by taken_at desc, action_id
        limit $3) as done
 order by asked.insight_id, done.taken_at, done.action_id
"""

# Grain: one open finding of a venue, or one that was found again. Index: insights_by_priority.
_KNOWN: Final = """
select insight_id, state, judged_value, judged_comparison, judged_priority_rank
  from insights
 where tenant_id = $1 and venue_id = $2 and (state = 'open' or insight_id = any($3::uuid[]))
 order by insight_id
   for update
"""

# Grain: one finding. Index: insights_pkey. `found_at` stays that of the time since which it has held.
_PUT: Final = """
insert into insights as old (tenant_id, insight_id, venue_id, type, subject, priority_rank, state, title,
                             description, suggested_action, evidence, found_at, confirmed_at, expires_at,
                             newest_fact_at)
select $1, insight_id, $2, type, subject, priority_rank, state, title, description, suggested_action,
       evidence, $3, $3, expires_at, $4
  from unnest($5::uuid[], $6::text[], $7::text[], $8::smallint[], $9::text[], $10::text[], $11::text[],
              $12::text[], $13::jsonb[], $14::timestamptz[])
       as new (insight_id, type, subject, priority_rank, state, title, description, suggested_action,
               evidence, expires_at)
 order by insight_id
on conflict (tenant_id, insight_id) do update
   set priority_rank = excluded.priority_rank, state = excluded.state, title = excluded.title,
       description = excluded.description, suggested_action = excluded.suggested_action,
       evidence = excluded.evidence, confirmed_at = excluded.confirmed_at, expires_at = excluded.expires_at,
       newest_fact_at = excluded.newest_fact_at,
       found_at = case when excluded.state = old.state then old.found_at else excluded.found_at end,
       judged_value = case when excluded.state = 'open' then null else old.judged_value end,
       judged_comparison = case when excluded.state = 'open' then null else old.judged_comparison end,
       judged_priority_rank = case when excluded.state = 'open' then null else old.judged_priority_rank end
"""

# Grain: one open finding that is over. Index: insights_pkey.
_EXPIRE: Final = """
update insights
   set state = 'expired'
 where tenant_id = $1 and insight_id = any($2::uuid[]) and state = 'open'
"""

# Grain: one finding that ended so long ago that nobody asks for it. Index: insights_by_priority.
_FORGET: Final = """
delete from insights
 where tenant_id = $1 and venue_id = $2 and state <> 'open' and confirmed_at < $3
"""

# Grain: one finding that somebody judges; what it rests on now is kept beside. Index: insights_pkey.
_JUDGE: Final = """
update insights
   set state = $3,
       judged_value = (evidence ->> 'value')::double precision,
       judged_comparison = (evidence ->> 'comparison_value')::double precision,
       judged_priority_rank = priority_rank,
       dismissed_at = case when $3 = 'dismissed' then $4 else dismissed_at end,
       dismiss_reason = case when $3 = 'dismissed' then $5 else dismiss_reason end
 where tenant_id = $1 and insight_id = $2
"""
_LOCK: Final = """
select insight_id
  from insights
 where tenant_id = $1 and insight_id = $2
   for update
"""
_ADD_ACTION: Final = """
insert into insight_actions (tenant_id, insight_id, action_id, venue_id, action, parameters, taken_at)
values ($1, $2, $3, $4, $5, $6::jsonb, $7)
"""


class InsightStore:
    """Findings of one tenant inside one transaction.

    Args:
        conn: The open transaction.
        tenant_id: Its tenant.
    """

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._conn = conn
        self._tenant_id = tenant_id

    async def page(
        self,
        venue_id: UUID,
        *,
        now: datetime,
        type_: str | None,
        priority: Priority | None,
        actionable: bool | None,
        after: Position | None,
        limit: int,
    ) -> list[Insight]:
        """At most `limit` findings after a position (priority rank, time found, id)."""
        rows = await self._conn.fetch(
            _PAGE,
            self._tenant_id,
            venue_id,
            now,
            type_,
            None if priority is None else priority.rank,
            actionable,
            *(after or (None, None, None)),
            limit,
        )
        return [_insight(row) for row in rows]

    async def one(self, insight_id: UUID, now: datetime, *, lock: bool = False) -> Insight | None:
        """One finding that the transaction sees."""
        if lock:
            await self._conn.execute(_LOCK, self._tenant_id, insight_id)
        row = await self._conn.fetchrow(_ONE, self._tenant_id, insight_id, now)
        return None if row is None else _insight(row)

    async def actions(self, insight_ids: Collection[UUID]) -> dict[UUID, list[Action]]:
        """What was done about findings, oldest first."""
        rows = await self._conn.fetch(_ACTIONS, self._tenant_id, list(insight_ids), MOST_ACTIONS)
        found: dict[UUID, list[Action]] = {insight_id: [] for insight_id in insight_ids}
        for row in rows:
            parameters: Mapping[str, Any] = json.loads(row["parameters"])
            found[row["insight_id"]].append(
                Action(row["action_id"], row["action"], parameters, row["taken_at"])
            )
        return found

    async def known(
        self, venue_id: UUID, insight_ids: Collection[UUID]
    ) -> dict[UUID, tuple[State, Judged | None]]:
        """Open findings of a venue and the given ones, locked."""
        rows = await self._conn.fetch(_KNOWN, self._tenant_id, venue_id, list(insight_ids))
        return {row["insight_id"]: (State(row["state"]), _judged(row)) for row in rows}

    async def put(self, venue_id: UUID, found: Sequence[Found], at: datetime) -> None:
        """Keep findings of one refresh."""
        newest = max((each.newest_fact_at for each in found if each.newest_fact_at), default=None)
        rows = [
            (
                each.insight_id,
                each.finding.candidate.type,
                each.finding.candidate.subject,
                each.finding.candidate.priority.rank,
                each.state,
                each.finding.candidate.title,
                each.finding.candidate.description,
                each.finding.candidate.suggested_action,
                json.dumps(evidence_values(each.finding)),
                each.finding.candidate.expires_at,
            )
            for each in found
        ]
        await self._conn.execute(_PUT, self._tenant_id, venue_id, at, newest, *columns(rows, 10))

    async def expire(self, insight_ids: Collection[UUID]) -> None:
        await self._conn.execute(_EXPIRE, self._tenant_id, sorted(insight_ids))

    async def forget(self, venue_id: UUID, before: datetime) -> None:
        """Delete findings that ended and were not found since."""
        await self._conn.execute(_FORGET, self._tenant_id, venue_id, before)

    async def judge(self, insight_id: UUID, state: State, at: datetime, reason: str = "") -> None:
        await self._conn.execute(_JUDGE, self._tenant_id, insight_id, state, at, reason)

    async def add_action(self, insight: Insight, action: Action) -> None:
        await self._conn.execute(
            _ADD_ACTION,
            self._tenant_id,
            insight.insight_id,
            action.action_id,
            insight.venue_id,
            action.action,
            json.dumps(dict(action.parameters)),
            action.taken_at,
        )


def _insight(row: Any) -> Insight:
    values = dict(row)
    return Insight(
        **{
            **{name: value for name, value in values.items() if name != "priority_rank"},
            "type": InsightType(values["type"]),
            "priority": _PRIORITIES[values["priority_rank"]],
            "state": State(values["state"]),
            "evidence": json.loads(values["evidence"]),
        }
    )


def _judged(row: Any) -> Judged | None:
    if row["judged_value"] is None:
        return None
    return Judged(row["judged_value"], row["judged_comparison"], _PRIORITIES[row["judged_priority_rank"]])
