"""SQL of reading scores."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.postgres.database import Connection

# Grain: one scored person of a place, with the place's newest run. Indexes: customer_rfm_scores_pkey,
# rfm_runs_pkey backwards.
_SCORES = """
select score.customer_id, score.currency, score.last_purchase_at, score.last_purchase_day, score.order_count,
       score.spend_minor, score.other_spend, score.newest_fact_at, score.recency_score,
       score.frequency_score, score.monetary_score, score.segment, score.changed_at, score.is_incremental,
       run.computed_at, run.as_of_day, run.window_days, run.customer_count, run.is_by_fixed_bounds
  from customer_rfm_scores as score
 cross join (
       select computed_at, as_of_day, window_days, customer_count, is_by_fixed_bounds
         from rfm_runs
        where tenant_id = $1 and venue_id = $2
        order by computed_at desc
        limit 1) as run
 where score.tenant_id = $1 and score.venue_id = $2 and score.customer_id = any($3::uuid[])
"""
# Grain: one move of a person at a place. Index: segment_moves_pkey.
_MOVES = """
select moved_at, from_segment, to_segment, recency_before, recency_after, frequency_before, frequency_after,
       monetary_before, monetary_after, is_incremental
  from segment_moves
 where tenant_id = $1 and venue_id = $2 and customer_id = $3 and moved_at >= $4
 order by moved_at desc
 limit $5
"""


class ReaderStore:
    """Scores of one place inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID, venue_id: UUID) -> None:
        self._driver = conn
        self._place = (tenant_id, venue_id)

    async def scores(self, customer_ids: Collection[UUID]) -> list[Any]:
        rows: list[Any] = await self._driver.fetch(_SCORES, *self._place, list(customer_ids))
        return rows

    async def moves(self, customer_id: UUID, since: datetime, limit: int) -> list[Any]:
        rows: list[Any] = await self._driver.fetch(_MOVES, *self._place, customer_id, since, limit)
        return rows
