"""A run in its transaction: what it looks back from, and how it writes a place."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.postgres.database import Connection
from services.customers.rfm.figures_store import FiguresStore
from services.customers.rfm.following import FollowsScores
from services.customers.rfm.ledger import Ledger, Moved, RunRecord
from services.customers.rfm.moves import Move
from services.customers.rfm.outcome import Outcome, Standing, Total
from services.customers.rfm.place import WHOLE_TENANT, local_day
from services.customers.rfm.run_store import RunStore
from services.customers.rfm.sales import Sales, uuid_of
from services.customers.rfm.window import window_start


class ScoredPlace(NamedTuple):
    """A place that was scored, or is about to be when its run commits; `place` of `total` of the tenant."""

    venue_id: UUID
    customer_count: int
    changed_count: int
    move_count: int
    place: int
    total: int


Tell = Callable[[ScoredPlace], None]


@dataclass(frozen=True, slots=True, eq=False)
class Running:
    """A run of a tenant.

    Attributes:
        conn: Its transaction, which holds the lock of scores.
        tenant_id: The tenant.
        as_of: The moment that looks back.
        window_days: Days that frequency and monetary value look back on; None: all history.
        clocks: The clock of each venue; there is one at least.
        before: The last run of each place that had one.
        follows: What follows scores.
        tell: Hears of each place.
    """

    conn: Connection
    tenant_id: UUID
    as_of: datetime
    window_days: int | None
    clocks: Mapping[UUID, ZoneInfo]
    before: Mapping[UUID, RunRecord]
    follows: FollowsScores
    tell: Tell

    @property
    def places(self) -> list[UUID]:
        """The venues, and then the tenant."""
        return [*self.clocks, WHOLE_TENANT]

    def figures(self, place: UUID) -> FiguresStore:
        return FiguresStore(self.conn, self.tenant_id, place)

    def day(self, place: UUID) -> date:
        """The local day that looks back; the tenant's is the latest of its venues."""
        clocks = self.clocks.values() if place == WHOLE_TENANT else [self.clocks[place]]
        return max(local_day(self.as_of, clock) for clock in clocks)

    def start(self, venue_id: UUID) -> datetime:
        """Where the window begins at a venue."""
        return window_start(self.day(venue_id), self.clocks[venue_id], self.window_days)

    async def sales(self, venue_id: UUID, customer_ids: Sequence[UUID] | None = None) -> Sales:
        """What some people (None: all) bought at a venue."""
        start, clock = self.start(venue_id), self.clocks[venue_id]
        return await self.figures(venue_id).sales(self.as_of, start, clock, customer_ids)

    async def write(self, found: "Found") -> None:
        """Write what was found of a place, and remember the run."""
        place, outcome, day = found.place, found.outcome, self.day(found.place)
        store = RunStore(self.conn, self.tenant_id, place)
        ledger = Ledger(self.conn, self.tenant_id, place)
        await store.put_scores(outcome, self.as_of)
        await store.drop_scores(found.standing, outcome.gone)
        moved = [_moved(outcome, move) for move in outcome.moved]
        await ledger.put_moves(moved, at=self.as_of, day=day, is_incremental=False)
        if found.added is None:
            await ledger.replace_totals(outcome.totals)
        else:
            await ledger.add_totals(found.added)
        clock = self.clocks.get(place)
        record = RunRecord(
            self.as_of,
            day,
            self.window_days,
            outcome.cuts["recency"].count,
            outcome.scores.by_fixed_bounds,
            outcome.cuts,
            found.newest_fact_at,
            found.counted_at,
            None if clock is None else clock.key,
        )
        await ledger.put_run(record, changed_count=len(outcome.changed), move_count=len(moved))
        await self.follows.everyone(self.conn, self.tenant_id, place)
        number = self.places.index(place) + 1
        counts = (record.customer_count, len(outcome.changed), len(moved))
        self.tell(ScoredPlace(place, *counts, number, len(self.places)))


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a run found of a place.

    Attributes:
        place: A venue, or the tenant.
        outcome: Of everyone, or of those whose rows may differ.
        standing: The rows that these were compared with.
        added: What is added to the sums by segment; None: the outcome's are all.
        counted_at: The moment of the run that counted everybody's figures, as in `RunRecord`.
        newest_fact_at: Of everyone.
    """

    place: UUID
    outcome: Outcome
    standing: Standing
    added: Sequence[Total] | None
    counted_at: datetime | None
    newest_fact_at: datetime | None


def _moved(outcome: Outcome, move: Move) -> Moved:
    high, low = outcome.ids
    return Moved(
        uuid_of(high[move.customer], low[move.customer]),
        None if move.before is None else move.before.value,
        None if move.after is None else move.after.value,
        move.changes,
    )
