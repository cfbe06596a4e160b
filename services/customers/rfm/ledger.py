"""SQL of what follows from scores at one place: runs, moves between segments, and sums by segment."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.customers.rfm.cut_points import CutPoints, Point
from services.customers.rfm.moves import Change
from services.customers.rfm.outcome import MEASURES, Total

KEPT: Final = timedelta(days=400)
_CHUNK: Final = 20_000

# Grain: one tenant. Whoever writes scores holds the lock, from before purchases are read.
_LOCK = "select pg_advisory_xact_lock(hashtextextended('scores of ' || $1::uuid::text, 0))"

# Grain: one run. Index: rfm_runs_pkey. A run that is repeated for the same moment replaces itself.
_PUT_RUN = """
insert into rfm_runs (tenant_id, venue_id, computed_at, as_of_day, window_days, customer_count, changed_count,
                      move_count, is_by_fixed_bounds, cut_points, newest_fact_at, counted_at, time_zone)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (tenant_id, venue_id, computed_at) do update
   set as_of_day = excluded.as_of_day, window_days = excluded.window_days,
       customer_count = excluded.customer_count, changed_count = excluded.changed_count,
       move_count = excluded.move_count, is_by_fixed_bounds = excluded.is_by_fixed_bounds,
       cut_points = excluded.cut_points, newest_fact_at = excluded.newest_fact_at,
       counted_at = excluded.counted_at, time_zone = excluded.time_zone
"""
# Grain: the newest run of each of some places. Index: rfm_runs_pkey, backwards, once a place.
_LAST_RUNS = """
select run.venue_id, run.computed_at, run.as_of_day, run.window_days, run.customer_count,
       run.is_by_fixed_bounds, run.cut_points, run.newest_fact_at, run.counted_at, run.time_zone
  from unnest($2::uuid[]) as wanted (venue_id)
 cross join lateral (
       select venue_id, computed_at, as_of_day, window_days, customer_count, is_by_fixed_bounds, cut_points,
              newest_fact_at, counted_at, time_zone
         from rfm_runs
        where tenant_id = $1 and venue_id = wanted.venue_id
        order by computed_at desc
        limit 1) as run
"""
_FORGET_RUNS = "delete from rfm_runs where tenant_id = $1 and venue_id = $2 and computed_at < $3"

# Grain: one move. Index: segment_moves_pkey.
_PUT_MOVES = """
insert into segment_moves (tenant_id, venue_id, moved_at, is_incremental, customer_id, from_segment,
to_segment,
                           recency_before, recency_after, frequency_before, frequency_after, monetary_before,
                           monetary_after)
select $1, $2, $3, $4, customer_id, from_segment, to_segment, recency_before, recency_after, frequency_before,
       frequency_after, monetary_before, monetary_after
  from unnest($5::uuid[], $6::text[], $7::text[], $8::smallint[], $9::smallint[], $10::smallint[],
              $11::smallint[], $12::smallint[], $13::smallint[])
       as new (customer_id, from_segment, to_segment, recency_before, recency_after, frequency_before,
               frequency_after, monetary_before, monetary_after)
 order by customer_id
on conflict (tenant_id, venue_id, customer_id, moved_at) do nothing
"""
# Grain: one pair of segments and day. Index: segment_flows_pkey.
_ADD_FLOWS = """
insert into segment_flows as kept (tenant_id, venue_id, day, from_segment, to_segment, customer_count,
                                   recency_count, frequency_count, monetary_count)
select $1, $2, $3, from_segment, to_segment, customer_count, recency_count, frequency_count, monetary_count
  from unnest($4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
       as new (from_segment, to_segment, customer_count, recency_count, frequency_count, monetary_count)
 order by from_segment, to_segment
on conflict (tenant_id, venue_id, day, from_segment, to_segment) do update
   set customer_count = kept.customer_count + excluded.customer_count,
       recency_count = kept.recency_count + excluded.recency_count,
       frequency_count = kept.frequency_count + excluded.frequency_count,
       monetary_count = kept.monetary_count + excluded.monetary_count
"""
# Grain: one move that is older than moves are kept. Index: segment_moves_by_time.
_FORGET_MOVES = "delete from segment_moves where tenant_id = $1 and venue_id = $2 and moved_at < $3"
_FORGET_FLOWS = "delete from segment_flows where tenant_id = $1 and venue_id = $2 and day < $3"

# Grain: one segment and currency of the place. Index: segment_totals_pkey.
_CLEAR_TOTALS = "delete from segment_totals where tenant_id = $1 and venue_id = $2"
_ADD_TOTALS = """
insert into segment_totals as kept (tenant_id, venue_id, segment, currency, customer_count, order_count,
                                    spend_minor, last_day_sum)
select $1, $2, segment, currency, customer_count, order_count, spend_minor, last_day_sum
  from unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
       as new (segment, currency, customer_count, order_count, spend_minor, last_day_sum)
 order by segment, currency
on conflict (tenant_id, venue_id, segment, currency) do update
   set customer_count = kept.customer_count + excluded.customer_count,
       order_count = kept.order_count + excluded.order_count,
       spend_minor = kept.spend_minor + excluded.spend_minor,
       last_day_sum = kept.last_day_sum + excluded.last_day_sum
"""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run at a place, as it is remembered.

    `counted_at` is the moment of the run that counted everybody's figures, which later ones went on from;
    None: nothing may go on from them. `time_zone` is that of the place's days, None for the tenant.
    """

    computed_at: datetime
    as_of_day: date
    window_days: int | None
    customer_count: int
    is_by_fixed_bounds: bool
    cuts: Mapping[str, CutPoints]
    newest_fact_at: datetime | None
    counted_at: datetime | None
    time_zone: str | None


@dataclass(frozen=True, slots=True)
class Moved:
    """A customer in another segment than before; None: not a customer then, or not any more."""

    customer_id: UUID
    before: str | None
    after: str | None
    changes: Sequence[Change]


async def last_runs(conn: Connection, tenant_id: UUID, venue_ids: Sequence[UUID]) -> dict[UUID, RunRecord]:
    """The newest run of each place that had one."""
    rows = await conn.fetch(_LAST_RUNS, tenant_id, list(venue_ids))
    return {
        row["venue_id"]: RunRecord(
            row["computed_at"],
            row["as_of_day"],
            row["window_days"],
            row["customer_count"],
            row["is_by_fixed_bounds"],
            {name: _cuts(one) for name, one in json.loads(row["cut_points"]).items()},
            row["newest_fact_at"],
            row["counted_at"],
            row["time_zone"],
        )
        for row in rows
    }


async def lock_scores(conn: Connection, tenant_id: UUID) -> None:
    """Wait until nobody else writes scores of the tenant."""
    await conn.execute(_LOCK, tenant_id)


class Ledger:
    """What follows from scores at one place, inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID, venue_id: UUID) -> None:
        self._driver = conn
        self._place = (tenant_id, venue_id)

    async def put_run(self, run: RunRecord, *, changed_count: int, move_count: int) -> None:
        """Remember a run, and forget those of long ago with their moves."""
        await self._driver.execute(
            _PUT_RUN,
            *self._place,
            run.computed_at,
            run.as_of_day,
            run.window_days,
            run.customer_count,
            changed_count,
            move_count,
            run.is_by_fixed_bounds,
            json.dumps({name: [cuts.count, *cuts.points] for name, cuts in run.cuts.items()}),
            run.newest_fact_at,
            run.counted_at,
            run.time_zone,
        )
        oldest = run.computed_at - KEPT
        for statement, since in (
            (_FORGET_RUNS, oldest),
            (_FORGET_MOVES, oldest),
            (_FORGET_FLOWS, oldest.date()),
        ):
            await self._driver.execute(statement, *self._place, since)

    async def put_moves(
        self, moved: Sequence[Moved], *, at: datetime, day: date, is_incremental: bool
    ) -> None:
        """Remember who moved, and count them by day."""
        for start in range(0, len(moved), _CHUNK):
            rows = [_row(one) for one in moved[start : start + _CHUNK]]
            await self._driver.execute(_PUT_MOVES, *self._place, at, is_incremental, *columns(rows, 9))
        if moved:
            await self._driver.execute(_ADD_FLOWS, *self._place, day, *columns(_flows(moved), 6))

    async def replace_totals(self, totals: Sequence[Total]) -> None:
        await self._driver.execute(_CLEAR_TOTALS, *self._place)
        await self.add_totals(totals)

    async def add_totals(self, totals: Sequence[Total]) -> None:
        """Add to the sums by segment; what goes is negative."""
        if totals:
            await self._driver.execute(_ADD_TOTALS, *self._place, *columns(totals, 6))


def _row(moved: Moved) -> tuple[UUID | str | int | None, ...]:
    scores = {change.score: (change.before, change.after) for change in moved.changes}
    pairs = (scores.get(name, (None, None)) for name in MEASURES)
    return (moved.customer_id, moved.before, moved.after, *(one for pair in pairs for one in pair))


def _flows(moved: Iterable[Moved]) -> list[tuple[str, str, int, int, int, int]]:
    counts: Counter[tuple[str, str]] = Counter()
    reasons: Counter[tuple[str, str, str]] = Counter()
    for one in moved:
        pair = (one.before or "", one.after or "")
        counts[pair] += 1
        reasons.update((*pair, change.score) for change in one.changes)
    return [
        (*pair, count, reasons[*pair, "recency"], reasons[*pair, "frequency"], reasons[*pair, "monetary"])
        for pair, count in sorted(counts.items())
    ]


def _cuts(stored: Sequence[Any]) -> CutPoints:
    count, *points = stored
    return CutPoints(count, tuple(Point(*point) for point in points))
