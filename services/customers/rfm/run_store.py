"""SQL of what a run writes of one place."""

import json
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.customers.rfm.copy_rows import EPOCH_DAY, EPOCH_US, UUID_COLUMN, written_rows
from services.customers.rfm.outcome import MEASURES, Outcome, Standing
from services.customers.rfm.segments import SEGMENTS

_CHUNK: Final = 100_000

# A million customers take longer than a call may; sorting and hashing them is faster in memory.
_TAKE_TIME = "set local statement_timeout = '10min'"
_TAKE_TURNS = "set local lock_timeout = '2min'"
_TAKE_MEMORY = "set local work_mem = '256MB'"

# PostgreSQL refuses COPY into a table with row-level security: rows go through a temporary table.
_MAKE_STAGE = """
create temporary table if not exists staged_scores (
    customer_id uuid, currency text, last_purchase_at timestamptz, last_purchase_day date, order_count
    integer, spend_minor bigint, newest_fact_at timestamptz, recency_score smallint, frequency_score
    smallint, monetary_score smallint, segment_number smallint
) on commit delete rows
"""
_EMPTY_STAGE = "truncate pg_temp.staged_scores"
_STAGE_LAYOUT: Final = {
    "customer": UUID_COLUMN,
    "currency": "S3",
    "last_us": ">i8",
    "last_day": ">i4",
    "orders": ">i4",
    "spend": ">i8",
    "newest_us": ">i8",
    "recency": ">i2",
    "frequency": ">i2",
    "monetary": ">i2",
    "segment": ">i2",
}
_STAGE_COLUMNS: Final = (
    "customer_id",
    "currency",
    "last_purchase_at",
    "last_purchase_day",
    "order_count",
    "spend_minor",
    "newest_fact_at",
    "recency_score",
    "frequency_score",
    "monetary_score",
    "segment_number",
)
# Grain: one customer of the place. Index: customer_rfm_scores_pkey; rows come by rising id. $4: segments by
# number.
_PUT_SCORES = """
insert into customer_rfm_scores (
       tenant_id, venue_id, customer_id, currency, last_purchase_at, last_purchase_day, order_count,
       spend_minor, newest_fact_at, recency_score, frequency_score, monetary_score, segment, changed_at,
       is_incremental)
select $1, $2, customer_id, currency, last_purchase_at, last_purchase_day, order_count, spend_minor,
       newest_fact_at, recency_score, frequency_score, monetary_score, ($4::text[])[segment_number + 1], $3,
       false
  from pg_temp.staged_scores
on conflict (tenant_id, venue_id, customer_id) do update
   set currency = excluded.currency, last_purchase_at = excluded.last_purchase_at,
       last_purchase_day = excluded.last_purchase_day, order_count = excluded.order_count,
       spend_minor = excluded.spend_minor, other_spend = null, newest_fact_at = excluded.newest_fact_at,
       recency_score = excluded.recency_score, frequency_score = excluded.frequency_score,
       monetary_score = excluded.monetary_score, segment = excluded.segment, changed_at = excluded.changed_at,
       is_incremental = false, ranked_day = null, ranked_order_count = null, ranked_spend_minor = null
"""
# Grain: one customer who spends in several currencies. Index: customer_rfm_scores_pkey.
_PUT_OTHERS = """
update customer_rfm_scores as kept
   set other_spend = new.other_spend
  from unnest($3::uuid[], $4::jsonb[]) as new (customer_id, other_spend)
 where kept.tenant_id = $1 and kept.venue_id = $2 and kept.customer_id = new.customer_id
"""
# Grain: one customer who has no purchase left. Index: customer_rfm_scores_pkey.
_DROP_SCORES = """
delete from customer_rfm_scores where tenant_id = $1 and venue_id = $2 and customer_id = any($3::uuid[])
"""


# Grain: one venue of the tenant. Index: venues_by_tenant.
_CLOCKS = "select venue_id, time_zone from venues where tenant_id = $1 order by venue_id"


async def clocks_of(conn: Connection, tenant_id: UUID) -> dict[UUID, ZoneInfo]:
    """The clock of each venue that the transaction sees."""
    rows = await conn.fetch(_CLOCKS, tenant_id)
    return {row["venue_id"]: ZoneInfo(row["time_zone"]) for row in rows}


async def give_time(conn: Connection) -> None:
    """Let the rest of this transaction take what a million customers need."""
    for statement in (_TAKE_TIME, _TAKE_TURNS, _TAKE_MEMORY):
        await conn.execute(statement)


class RunStore:
    """One place of a tenant inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID, venue_id: UUID) -> None:
        self._driver = conn
        self._place = (tenant_id, venue_id)

    async def put_scores(self, outcome: Outcome, at: datetime) -> None:
        """Write the rows that changed."""
        await self._driver.execute(_MAKE_STAGE)
        staged = _staged(outcome)
        slugs = [segment.value for segment in SEGMENTS]
        for start in range(0, len(outcome.changed), _CHUNK):
            await self._driver.copy_to_table(
                "staged_scores",
                schema_name="pg_temp",
                source=written_rows(staged, _STAGE_LAYOUT, slice(start, start + _CHUNK)),
                columns=_STAGE_COLUMNS,
                format="binary",
            )
            await self._driver.execute(_PUT_SCORES, *self._place, at, slugs)
            await self._driver.execute(_EMPTY_STAGE)
        others = [
            (outcome.people.customer_id(row), json.dumps(one)) for row, one in outcome.people.others.items()
        ]
        if others:
            await self._driver.execute(_PUT_OTHERS, *self._place, *columns(others, 2))

    async def drop_scores(self, standing: Standing, rows: NDArray[np.int64]) -> None:
        """Delete rows of the place that stand."""
        if len(rows):
            await self._driver.execute(_DROP_SCORES, *self._place, standing.ids(rows))


def _staged(outcome: Outcome) -> dict[str, NDArray[Any]]:
    people, rows = outcome.people, outcome.changed
    codes = np.array([code.encode() for code in people.currencies] or [b""], "S3")
    return {
        "customer_high": people.high[rows],
        "customer_low": people.low[rows],
        "currency": codes[people.currency[rows]],
        "last_us": people.last_us[rows] - EPOCH_US,
        "last_day": people.last_day[rows] - EPOCH_DAY,
        "orders": people.orders[rows],
        "spend": people.spend[rows],
        "newest_us": people.newest_us[rows] - EPOCH_US,
        **{name: getattr(outcome.scores, name)[rows] for name in MEASURES},
        "segment": outcome.segments[rows],
    }
