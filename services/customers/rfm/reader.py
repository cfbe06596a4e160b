"""Use case: the scores of people as they stand, for whoever shows or uses them."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.customers.rfm.moves import Change
from services.customers.rfm.outcome import MEASURES
from services.customers.rfm.place import WHOLE_TENANT
from services.customers.rfm.reader_store import ReaderStore
from services.customers.rfm.segments import Segment, Status, status


@dataclass(frozen=True, slots=True)
class StoredScore:
    """A person's scores at a venue, or at the tenant as a whole.

    Attributes:
        recency_days: Days from the day of the last purchase to `as_of_day`.
        frequency: Purchases in the window.
        monetary_minor: Net spend of the window in `currency`, the person's main one.
        others: Net spend of the window in other currencies, which the scores leave out.
        r: Recency score, 1 to 5.
        f: Frequency score.
        m: Monetary score.
        scored_at: When the scores were found, or found unchanged.
        is_incremental: Found between two runs, by the cut points of the last one.
        is_by_fixed_bounds: Found by fixed bounds, among fewer than five customers.
        as_of_day: Local day that the last run looked back from.
        window_days: Days of the window; None: all history.
        ranked_count: Customers that the last run ranked.
    """

    customer_id: UUID
    recency_days: int
    frequency: int
    monetary_minor: int
    currency: str
    others: Mapping[str, int]
    r: int
    f: int
    m: int
    segment: Segment
    scored_at: datetime
    is_incremental: bool
    is_by_fixed_bounds: bool
    as_of_day: date
    window_days: int | None
    ranked_count: int
    last_purchase_at: datetime
    newest_fact_at: datetime

    @property
    def status(self) -> Status:
        return status(self.segment, self.m)


@dataclass(frozen=True, slots=True)
class StoredMove:
    """A person's move between segments; None: not a customer before, or not any more after."""

    moved_at: datetime
    before: str | None
    after: str | None
    changes: Sequence[Change]
    is_incremental: bool


class ScoreReader:
    """Scores as they stand. Those of the tenant as a whole exist for callers without a venue grant only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def scores(
        self, scope: TenantScope, customer_ids: Collection[UUID], *, venue_id: UUID | None = None
    ) -> dict[UUID, StoredScore]:
        """Scores of those of the people who have any, at the venue or (None) at the tenant as a whole."""
        async with self._database.transaction(scope) as conn:
            rows = await ReaderStore(conn, scope.tenant_id, venue_id or WHOLE_TENANT).scores(customer_ids)
        return {row["customer_id"]: _score(row) for row in rows}

    async def moves(
        self, scope: TenantScope, customer_id: UUID, *, venue_id: UUID | None, since: datetime, limit: int
    ) -> list[StoredMove]:
        """A person's moves from a time on, the newest first."""
        async with self._database.transaction(scope) as conn:
            store = ReaderStore(conn, scope.tenant_id, venue_id or WHOLE_TENANT)
            rows = await store.moves(customer_id, since, limit)
        return [_move(row) for row in rows]


def _score(row: Any) -> StoredScore:
    return StoredScore(
        customer_id=row["customer_id"],
        recency_days=max((row["as_of_day"] - row["last_purchase_day"]).days, 0),
        frequency=row["order_count"],
        monetary_minor=row["spend_minor"],
        currency=row["currency"],
        others=json.loads(row["other_spend"] or "{}"),
        r=row["recency_score"],
        f=row["frequency_score"],
        m=row["monetary_score"],
        segment=Segment(row["segment"]),
        scored_at=max(row["changed_at"], row["computed_at"]),
        is_incremental=row["is_incremental"],
        is_by_fixed_bounds=row["is_by_fixed_bounds"],
        as_of_day=row["as_of_day"],
        window_days=row["window_days"],
        ranked_count=row["customer_count"],
        last_purchase_at=row["last_purchase_at"],
        newest_fact_at=row["newest_fact_at"],
    )


def _move(row: Any) -> StoredMove:
    pairs = ((name, row[f"{name}_before"], row[f"{name}_after"]) for name in MEASURES)
    changes = tuple(Change(*pair) for pair in pairs if pair[1] is not None)
    return StoredMove(row["moved_at"], row["from_segment"], row["to_segment"], changes, row["is_incremental"])
