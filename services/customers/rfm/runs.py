"""Use case: score everyone of a tenant anew, at each venue and over all of them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from functools import partial
from typing import Final, NamedTuple, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.cache.cache import Cache
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.customers.namespaces import venue_namespaces
from services.customers.rfm.following import FollowsScores
from services.customers.rfm.ledger import Ledger, Moved, RunRecord, last_runs, lock_scores
from services.customers.rfm.moves import Move
from services.customers.rfm.outcome import Outcome, Standing, outcome_of
from services.customers.rfm.pending_store import PendingStore
from services.customers.rfm.place import WHOLE_TENANT, local_day
from services.customers.rfm.run_store import RunStore, clocks_of, give_time
from services.customers.rfm.sales import Sales, joined, moment_of_us, people_of, uuid_of
from services.customers.rfm.window import window_start
from services.customers.wholeness import require_whole

_MOST_MARKS: Final = 100_000

_T = TypeVar("_T")
_R = TypeVar("_R")


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
        """Score everyone at every place; PostgreSQL reads what comes next while this process calculates."""
        if not clocks:
            return
        venues, days = list(clocks), {one: local_day(as_of, clock) for one, clock in clocks.items()}
        stores = {place: RunStore(conn, tenant_id, place) for place in (*venues, WHOLE_TENANT)}
        firsts = stores.keys() - await last_runs(conn, tenant_id, list(stores))

        async def sales_at(venue_id: UUID) -> Sales:
            start = window_start(days[venue_id], clocks[venue_id], self._window_days)
            return await stores[venue_id].sales(as_of, start, clocks[venue_id])

        parts = [await sales_at(venues[0])]
        for number, venue_id in enumerate(venues, start=1):
            people, standing = await _beside(partial(people_of, parts[-1]), stores[venue_id].standing())
            scoring = partial(outcome_of, people, standing, days[venue_id], is_first=venue_id in firsts)
            if number < len(venues):
                outcome, sales = await _beside(scoring, sales_at(venues[number]))
                parts.append(sales)
            else:
                outcome, of_tenant = await _beside(scoring, stores[WHOLE_TENANT].standing())
            done = await self._write(conn, stores[venue_id], outcome, standing, day=days[venue_id], at=as_of)
            tell(done._replace(place=number, total=len(stores)))
        is_first, day = WHOLE_TENANT in firsts, max(days.values())
        if len(venues) > 1 or is_first != (venues[0] in firsts) or not of_tenant.equals(standing):
            outcome = await asyncio.to_thread(
                lambda: outcome_of(people_of(joined(parts)), of_tenant, day, is_first=is_first)
            )
        done = await self._write(conn, stores[WHOLE_TENANT], outcome, of_tenant, day=day, at=as_of)
        tell(done._replace(place=len(stores), total=len(stores)))

    async def _write(
        self,
        conn: Connection,
        store: RunStore,
        outcome: Outcome,
        standing: Standing,
        *,
        day: date,
        at: datetime,
    ) -> ScoredPlace:
        people, ledger = outcome.people, Ledger(conn, store.tenant_id, store.venue_id)
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
        await self._follows.everyone(conn, store.tenant_id, store.venue_id)
        return ScoredPlace(store.venue_id, len(people), len(outcome.changed), len(moved), 0, 0)


async def _beside(calculation: Callable[[], _T], reading: Awaitable[_R]) -> tuple[_T, _R]:
    """A calculation that leaves the event loop free, and what is read meanwhile."""
    return await asyncio.gather(asyncio.to_thread(calculation), reading)


def _moved(outcome: Outcome, move: Move) -> Moved:
    high, low = outcome.ids
    return Moved(
        uuid_of(high[move.customer], low[move.customer]),
        None if move.before is None else move.before.value,
        None if move.after is None else move.after.value,
        move.changes,
    )
