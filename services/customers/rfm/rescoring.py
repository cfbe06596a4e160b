"""Use case: bring the scores of people whose facts changed after them, between two runs."""

from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

import structlog

from libs.common.cache.cache import Cache
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from libs.common.postgres.errors import TransactionConflict
from services.customers.errors import RebuildInProgress
from services.customers.namespaces import venue_namespaces
from services.customers.rfm.following import FollowsScores
from services.customers.rfm.ledger import Ledger, RunRecord, last_runs, lock_scores
from services.customers.rfm.pending_store import PendingStore
from services.customers.rfm.place import WHOLE_TENANT, local_day
from services.customers.rfm.rescored import moved, rescored, totals_of_changes
from services.customers.rfm.rescoring_store import RescoringStore
from services.customers.rfm.run_store import clocks_of
from services.customers.rfm.sales import Sales, joined, people_of
from services.customers.rfm.schedule import ask_for_run
from services.customers.rfm.scoring import FEWEST_RANKED
from services.customers.rfm.window import window_start
from services.customers.wholeness import require_whole

_AT_ONCE: Final = 500
_GROWTH: Final = 4
"""A place that grew by more than its fourth is scored anew: cut points of so few tell little of so many."""

# A run holds the lock for seconds and comes back to what is pending itself.
_HARDLY_WAIT = "set local lock_timeout = '300ms'"
_log = structlog.get_logger(__name__)


class Rescoring:
    """Scores people anew by the cut points of the last run; the next run makes them exact.

    Args:
        database: The service's database.
        cache: Cached answers.
        follows: What follows scores.
        window_days: As for runs.
        now: The moment that looks back.
    """

    def __init__(
        self,
        database: Database,
        cache: Cache,
        follows: FollowsScores,
        *,
        window_days: int | None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._cache = cache
        self._follows = follows
        self._window_days = window_days
        self._now = now

    async def catch_up(self, scope: TenantScope) -> None:
        """Score everyone who is marked, or leave them to the run in progress, or to that after a rebuild."""
        try:
            while touched := await self._some(scope):
                await self._cache.invalidate(venue_namespaces(touched))
        except (TransactionConflict, RebuildInProgress) as error:
            _log.info("people wait to be scored", reason=error.reason)

    async def _some(self, scope: TenantScope) -> set[UUID]:
        """Score some of those who are marked; returns their venues."""
        now = self._now()
        async with self._database.transaction(scope) as conn:
            await conn.execute(_HARDLY_WAIT)
            await lock_scores(conn, scope.tenant_id)
            await require_whole(conn, scope.tenant_id)
            pairs = await PendingStore(conn, scope.tenant_id).take(_AT_ONCE)
            if not pairs:
                return set()
            people = {customer_id for _, customer_id in pairs}
            clocks = await clocks_of(conn, scope.tenant_id)
            days = {venue_id: local_day(now, clock) for venue_id, clock in clocks.items()}
            starts = {
                venue_id: window_start(day, clocks[venue_id], self._window_days)
                for venue_id, day in days.items()
            }
            sales = await RescoringStore(conn, scope.tenant_id).sales(people, now, starts, clocks)
            places = sorted({WHOLE_TENANT, *(venue_id for venue_id, _ in pairs)})
            runs = await last_runs(conn, scope.tenant_id, places)
            for venue_id in places:
                whole = venue_id == WHOLE_TENANT
                parts = list(sales.values()) if whole else [sales[venue_id]] if venue_id in sales else []
                day = max(days.values()) if whole else days[venue_id]
                place = _Place(conn, scope.tenant_id, venue_id, runs.get(venue_id), day=day, now=now)
                if await place.score(people, parts):
                    await self._follows.some(conn, scope.tenant_id, venue_id, people)
        return {venue_id for venue_id, _ in pairs}


class _Place:
    """One place inside the transaction."""

    def __init__(
        self,
        conn: Connection,
        tenant_id: UUID,
        venue_id: UUID,
        run: RunRecord | None,
        *,
        day: date,
        now: datetime,
    ) -> None:
        self._conn = conn
        self._tenant_id = tenant_id
        self._venue_id = venue_id
        self._run = run
        self._day = day
        self._now = now

    async def score(self, customer_ids: Collection[UUID], parts: list[Sales]) -> bool:
        """Score these people from all that they bought at the place; False: nobody was ever scored there."""
        if self._run is None:
            await ask_for_run(self._conn, self._tenant_id, None, self._now)
            return False
        store = RescoringStore(self._conn, self._tenant_id)
        rows = await store.rows(self._venue_id, customer_ids)
        people = people_of(joined(parts)) if parts else None
        new = [] if people is None else rescored(people, rows, self._run, self._day)
        bought = set() if people is None else {people.customer_id(at) for at in range(len(people))}
        gone = [row for customer_id, row in rows.items() if customer_id not in bought]
        changes = [*((rows.get(row.customer_id), row) for row in new), *((row, None) for row in gone)]
        await store.put(self._venue_id, new, self._now)
        await store.drop(self._venue_id, [row.customer_id for row in gone])
        ledger = Ledger(self._conn, self._tenant_id, self._venue_id)
        found = [move for pair in changes if (move := moved(*pair)) is not None]
        await ledger.put_moves(found, at=self._now, day=self._day, is_incremental=True)
        await ledger.add_totals(totals_of_changes(changes))
        await self._ask_for_run_if_grown(self._run, await store.newcomers(self._venue_id))
        return True

    async def _ask_for_run_if_grown(self, run: RunRecord, newcomers: int) -> None:
        crossed = run.is_by_fixed_bounds and run.customer_count + newcomers >= FEWEST_RANKED
        if crossed or newcomers > max(run.customer_count // _GROWTH, FEWEST_RANKED):
            await ask_for_run(self._conn, self._tenant_id, run.computed_at, self._now)
