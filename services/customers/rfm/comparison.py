"""Use case: the sums by segment of a venue, of the tenant, or of some venues compared anew."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.customers.rfm.figures_store import FiguresStore
from services.customers.rfm.ledger import RunRecord, last_runs
from services.customers.rfm.outcome import Total, totals_of
from services.customers.rfm.place import local_day
from services.customers.rfm.ranking import ranked
from services.customers.rfm.run_store import clocks_of
from services.customers.rfm.sales import joined, moment_of_us, people_of
from services.customers.rfm.segments import segment_numbers
from services.customers.rfm.window import window_start


@dataclass(frozen=True, slots=True)
class Compared:
    """What a run compared, as far as answers tell it."""

    computed_at: datetime
    as_of_day: date
    window_days: int | None
    is_by_fixed_bounds: bool
    newest_fact_at: datetime | None


class Comparison:
    """How customers compare at places.

    Args:
        database: The service's database.
        window_days: As for runs.
    """

    def __init__(self, database: Database, *, window_days: int | None) -> None:
        self._database = database
        self._window_days = window_days

    async def last(self, scope: TenantScope, venue_id: UUID) -> Compared | None:
        """The last run of a place; None: there was none, or the scope does not see it."""
        async with self._database.transaction(scope) as conn:
            run = (await last_runs(conn, scope.tenant_id, [venue_id])).get(venue_id)
        return None if run is None else _compared(run)

    async def customer_count(self, scope: TenantScope, venue_ids: Collection[UUID]) -> int:
        """Customers of venues as of their last runs, those of several counted at each."""
        async with self._database.transaction(scope) as conn:
            runs = await last_runs(conn, scope.tenant_id, sorted(venue_ids))
        return sum(run.customer_count for run in runs.values())

    async def anew(
        self, scope: TenantScope, venue_ids: Collection[UUID], *, as_of: datetime
    ) -> tuple[Compared, list[Total]] | None:
        """Customers of some venues compared with each other now; None: nobody bought there."""
        parts = []
        async with self._database.transaction(scope) as conn:
            clocks = await clocks_of(conn, scope.tenant_id)
            days = [local_day(as_of, clocks[venue_id]) for venue_id in venue_ids if venue_id in clocks]
            for venue_id in sorted(set(venue_ids).intersection(clocks)):
                clock = clocks[venue_id]
                start = window_start(local_day(as_of, clock), clock, self._window_days)
                parts.append(await FiguresStore(conn, scope.tenant_id, venue_id).sales(as_of, start, clock))
        if not any(len(part) for part in parts):
            return None
        people = await asyncio.to_thread(lambda: people_of(joined(parts)))
        scores = await asyncio.to_thread(ranked, people, max(days))
        newest = moment_of_us(int(people.newest_us.max())) if len(people) else None
        compared = Compared(as_of, max(days), self._window_days, scores.by_fixed_bounds, newest)
        return compared, totals_of(people, segment_numbers(scores))


def _compared(run: RunRecord) -> Compared:
    return Compared(
        run.computed_at, run.as_of_day, run.window_days, run.is_by_fixed_bounds, run.newest_fact_at
    )
