"""Use case: score everyone of a tenant anew, at each venue and over all of them."""

from datetime import datetime
from typing import Final

from libs.common.cache.cache import Cache
from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.customers.namespaces import venue_namespaces
from services.customers.rfm.following import FollowsScores
from services.customers.rfm.ledger import last_runs, lock_scores
from services.customers.rfm.pending_store import PendingStore
from services.customers.rfm.place import WHOLE_TENANT
from services.customers.rfm.recount import recount
from services.customers.rfm.refresh import refresh
from services.customers.rfm.run_store import clocks_of, give_time
from services.customers.rfm.running import Running, Tell
from services.customers.wholeness import require_whole

_MOST_MARKS: Final = 100_000
"""That one run looks at; with more, everyone is counted and the rest is scored after it."""


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

        Purchases up to the moment count, those of its day included. Where the last run is near, only figures
        that may differ are counted anew; the scores are those of a recount either way.

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
            marks = await pending.look(_MOST_MARKS)
            clocks = await clocks_of(conn, scope.tenant_id)
            if clocks:
                before = await last_runs(conn, scope.tenant_id, [*clocks, WHOLE_TENANT])
                running = Running(
                    conn, scope.tenant_id, as_of, self._window_days, clocks, before, self._follows, tell
                )
                marked = {mark.customer_id for mark in marks}
                if len(marks) == _MOST_MARKS or not await refresh(running, marked):
                    await recount(running)
            await pending.clear(marks)
        await self._cache.invalidate(venue_namespaces(clocks))
