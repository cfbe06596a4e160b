"""Use case: score everyone of a tenant anew, at each venue and over all of them."""

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.cache.cache import Cache
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.customers.namespaces import venue_namespaces
from services.customers.rfm.following import FollowsScores
from services.customers.rfm.ledger import Ledger, Moved, RunRecord, last_runs, lock_scores
from services.customers.rfm.moves import Move
from services.customers.rfm.outcome import Outcome, outcome_of
from services.customers.rfm.pending_store import PendingStore
from services.customers.rfm.place import WHOLE_TENANT, local_day
from services.customers.rfm.run_store import RunStore, clocks_of, give_time
from services.customers.rfm.sales import People, Sales, joined, moment_of_us, people_of, uuid_of
from services.customers.rfm.window import window_start
from services.customers.wholeness import require_whole

_MOST_MARKS: Final = 100_000


class ScoredPlace(NamedTuple):
    """A place that was scored, or is about to be when its run commits; `place` of `total` of the tenant."""

    venue_id: UUID
    customer_count: int
    changed_count: int
    move_count: int
    place: int
    total: int


Tell = Callable[[ScoredPlace], None]


class ScoringRuns:
    """Whole runs of a tenant, each in one transaction: readers see all of a run or none of it.

    Args:
        database: The service's database.
        cache: Cached answers.
        follows: What follows scores.
        window_days: Days that frequency and monetary value look back on; None: all history.
    """

    def __init__(
        self, database: Database, cache: Cache, follows: FollowsScores, *, window_days: int | None
    ) -> None:
        self._database = database
        self._cache = cache
        self._follows = follows
        self._window_days = window_days

    async def run(self, scope: TenantScope, *, as_of: datetime, tell: Tell = lambda _: None) -> None:
        """Score every venue and then the tenant.

        Purchases up to the moment count, those of its day included.

        Args:
            scope: The tenant; every venue.
            as_of: The moment that looks back.
            tell: Hears of each place.

        Raises:
            RebuildInProgress: The purchases are being made anew.
            TransactionConflict: Another run of the tenant takes too long.
        """
        async with self._database.transaction(scope) as conn:
            await give_time(conn)
            await lock_scores(conn, scope.tenant_id)
            await require_whole(conn, scope.tenant_id)
            pending = PendingStore(conn, scope.tenant_id)
            seen = await pending.look(_MOST_MARKS)
            clocks = await clocks_of(conn, scope.tenant_id)
            await self._score(conn, scope.tenant_id, clocks, as_of, tell)
            await pending.clear(seen)
        await self._cache.invalidate(venue_namespaces(clocks))

    async def _score(
        self, conn: Connection, tenant_id: UUID, clocks: dict[UUID, ZoneInfo], as_of: datetime, tell: Tell
    ) -> None:
        parts: list[Sales] = []
        for place, (venue_id, clock) in enumerate(clocks.items(), start=1):
            day = local_day(as_of, clock)
            start = window_start(day, clock, self._window_days)
            sales = await RunStore(conn, tenant_id, venue_id).sales(as_of, start, clock)
            people = await asyncio.to_thread(people_of, sales)
            done = await self._write(conn, tenant_id, venue_id, people, day=day, at=as_of)
            parts.append(sales)
            tell(done._replace(place=place, total=len(clocks) + 1))
        if parts:
            everyone = (
                people if len(parts) == 1 else await asyncio.to_thread(lambda: people_of(joined(parts)))
            )
            day = max(local_day(as_of, clock) for clock in clocks.values())
            done = await self._write(conn, tenant_id, WHOLE_TENANT, everyone, day=day, at=as_of)
            tell(done._replace(place=len(clocks) + 1, total=len(clocks) + 1))

    async def _write(
        self, conn: Connection, tenant_id: UUID, venue_id: UUID, people: People, *, day: date, at: datetime
    ) -> ScoredPlace:
        store, ledger = RunStore(conn, tenant_id, venue_id), Ledger(conn, tenant_id, venue_id)
        known = await last_runs(conn, tenant_id, [venue_id])
        standing = await store.standing()
        outcome = await asyncio.to_thread(outcome_of, people, standing, day, is_first=not known)
        await store.put_scores(outcome, at)
        await store.drop_scores(standing, outcome.gone)
        moved = [_moved(outcome, move) for move in outcome.moved]
        await ledger.put_moves(moved, at=at, day=day, is_incremental=False)
        await ledger.replace_totals(outcome.totals)
        record = RunRecord(
            at,
            day,
            self._window_days,
            len(people),
            outcome.scores.by_fixed_bounds,
            outcome.cuts,
            moment_of_us(int(people.newest_us.max())) if len(people) else None,
        )
        await ledger.put_run(record, changed_count=len(outcome.changed), move_count=len(moved))
        await self._follows.everyone(conn, tenant_id, venue_id)
        return ScoredPlace(venue_id, len(people), len(outcome.changed), len(moved), 0, 0)


def _moved(outcome: Outcome, move: Move) -> Moved:
    high, low = outcome.ids
    return Moved(
        uuid_of(high[move.customer], low[move.customer]),
        None if move.before is None else move.before.value,
        None if move.after is None else move.after.value,
        move.changes,
    )
