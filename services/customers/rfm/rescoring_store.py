"""SQL of scoring a few people anew between two runs."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from libs.common.buckets import microseconds
from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.customers.rfm.sales import Integers, Sales, halves_of, local_days

# Grain: one person, venue and currency. Index: purchases_by_customer. $3: the moment that looks back; $4
# and $5: where the window begins at each venue.
_SALES = """
select sale.venue_id, sale.customer_id, sale.currency,
       max(sale.sold_at) filter (where sale.order_count > 0) as last_at,
       sum(sale.order_count)::bigint as purchases, sum(sale.spend_minor)::bigint as spend_ever,
       coalesce(sum(sale.order_count) filter (where sale.sold_at >= venue.since), 0)::bigint as orders,
       coalesce(sum(sale.spend_minor) filter (where sale.sold_at >= venue.since), 0)::bigint as spend,
       max(sale.newest_fact_at) as newest_at
  from purchases as sale
  join unnest($4::uuid[], $5::timestamptz[]) as venue (venue_id, since) on venue.venue_id = sale.venue_id
 where sale.tenant_id = $1 and sale.customer_id = any($2::uuid[]) and sale.sold_at <= $3
 group by sale.venue_id, sale.customer_id, sale.currency
"""

# Grain: one scored person of a place. Index: customer_rfm_scores_pkey.
_ROWS = """
select customer_id, currency, last_purchase_at, last_purchase_day, order_count, spend_minor, other_spend,
       newest_fact_at, recency_score, frequency_score, monetary_score, segment, is_incremental, ranked_day,
       ranked_order_count, ranked_spend_minor
  from customer_rfm_scores
 where tenant_id = $1 and venue_id = $2 and customer_id = any($3::uuid[])
"""
# Grain: one person of a place. Index: customer_rfm_scores_pkey.
_PUT = """
insert into customer_rfm_scores (
       tenant_id, venue_id, customer_id, currency, last_purchase_at, last_purchase_day, order_count,
       spend_minor, other_spend, newest_fact_at, recency_score, frequency_score, monetary_score, segment,
       changed_at, is_incremental, ranked_day, ranked_order_count, ranked_spend_minor)
select $1, $2, customer_id, currency, last_purchase_at, last_purchase_day, order_count, spend_minor,
       other_spend, newest_fact_at, recency_score, frequency_score, monetary_score, segment, $3, true,
       ranked_day, ranked_order_count, ranked_spend_minor
  from unnest($4::uuid[], $5::text[], $6::timestamptz[], $7::date[], $8::integer[], $9::bigint[],
  $10::jsonb[],
              $11::timestamptz[], $12::smallint[], $13::smallint[], $14::smallint[], $15::text[], $16::date[],
              $17::integer[], $18::bigint[])
       as new (customer_id, currency, last_purchase_at, last_purchase_day, order_count, spend_minor,
       other_spend,
               newest_fact_at, recency_score, frequency_score, monetary_score, segment, ranked_day,
               ranked_order_count, ranked_spend_minor)
 order by customer_id
on conflict (tenant_id, venue_id, customer_id) do update
   set currency = excluded.currency, last_purchase_at = excluded.last_purchase_at,
       last_purchase_day = excluded.last_purchase_day, order_count = excluded.order_count,
       spend_minor = excluded.spend_minor, other_spend = excluded.other_spend,
       newest_fact_at = excluded.newest_fact_at, recency_score = excluded.recency_score,
       frequency_score = excluded.frequency_score, monetary_score = excluded.monetary_score,
       segment = excluded.segment, changed_at = excluded.changed_at, is_incremental = true,
       ranked_day = excluded.ranked_day, ranked_order_count = excluded.ranked_order_count,
       ranked_spend_minor = excluded.ranked_spend_minor
"""
_DROP = """
delete from customer_rfm_scores where tenant_id = $1 and venue_id = $2 and customer_id = any($3::uuid[])
"""
# Grain: one place's people whom its last run did not know. Index: rfm_newcomers.
_NEWCOMERS = """
select count(*)
  from customer_rfm_scores
 where tenant_id = $1 and venue_id = $2 and is_incremental and ranked_day is null
"""


class Ranked(NamedTuple):
    """What a run ranked someone by."""

    day: date
    order_count: int
    spend_minor: int


@dataclass(frozen=True, slots=True)
class Row:
    """A scored person at a place; `ranked` is what the place's last run knew, None: nothing."""

    customer_id: UUID
    currency: str
    last_purchase_at: datetime
    last_purchase_day: date
    order_count: int
    spend_minor: int
    others: Mapping[str, int]
    newest_fact_at: datetime
    recency: int
    frequency: int
    monetary: int
    segment: str
    ranked: Ranked | None

    @property
    def measured(self) -> tuple[object, ...]:
        """Everything that scores are made from."""
        return (
            self.currency,
            self.last_purchase_at,
            self.order_count,
            self.spend_minor,
            dict(self.others),
            self.newest_fact_at,
        )


class RescoringStore:
    """Scores of some people of a tenant inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def sales(
        self,
        customer_ids: Collection[UUID],
        as_of: datetime,
        starts: Mapping[UUID, datetime],
        clocks: Mapping[UUID, ZoneInfo],
    ) -> dict[UUID, Sales]:
        """What these people bought up to a moment, by venue."""
        rows = await self._driver.fetch(
            _SALES, self._tenant_id, list(customer_ids), as_of, list(starts), list(starts.values())
        )
        by_venue: dict[UUID, list[Mapping[str, Any]]] = {}
        for row in rows:
            by_venue.setdefault(row["venue_id"], []).append(row)
        return {venue_id: _sales(found, clocks[venue_id]) for venue_id, found in by_venue.items()}

    async def rows(self, venue_id: UUID, customer_ids: Collection[UUID]) -> dict[UUID, Row]:
        """The stored rows of these people at a place."""
        rows = await self._driver.fetch(_ROWS, self._tenant_id, venue_id, list(customer_ids))
        return {row["customer_id"]: _row(row) for row in rows}

    async def put(self, venue_id: UUID, rows: Sequence[Row], at: datetime) -> None:
        if rows:
            flat = [_flat(row) for row in rows]
            await self._driver.execute(_PUT, self._tenant_id, venue_id, at, *columns(flat, 15))

    async def drop(self, venue_id: UUID, customer_ids: Collection[UUID]) -> None:
        if customer_ids:
            await self._driver.execute(_DROP, self._tenant_id, venue_id, list(customer_ids))

    async def newcomers(self, venue_id: UUID) -> int:
        """How many people of a place came after its last run."""
        return int(await self._driver.fetchval(_NEWCOMERS, self._tenant_id, venue_id))


def _sales(rows: Sequence[Mapping[str, Any]], clock: ZoneInfo) -> Sales:
    codes = sorted({row["currency"] for row in rows})
    high, low = halves_of([row["customer_id"] for row in rows])
    last_us = np.array([_us(row["last_at"]) for row in rows], np.int64)

    def column(name: str) -> Integers:
        return np.array([row[name] for row in rows], np.int64)

    return Sales(
        high=high,
        low=low,
        currency=np.array([codes.index(row["currency"]) for row in rows], np.int64),
        last_us=last_us,
        last_day=local_days(last_us, clock),
        purchases=column("purchases"),
        spend_ever=column("spend_ever"),
        orders=column("orders"),
        spend=column("spend"),
        newest_us=np.array([_us(row["newest_at"]) for row in rows], np.int64),
        currencies=tuple(codes),
    )


def _us(moment: datetime | None) -> int:
    return 0 if moment is None else microseconds(moment)


def _row(row: Mapping[str, Any]) -> Row:
    ranked: Ranked | None = Ranked(row["last_purchase_day"], row["order_count"], row["spend_minor"])
    if row["is_incremental"]:
        kept = (row["ranked_day"], row["ranked_order_count"], row["ranked_spend_minor"])
        ranked = None if row["ranked_day"] is None else Ranked(*kept)
    return Row(
        customer_id=row["customer_id"],
        currency=row["currency"],
        last_purchase_at=row["last_purchase_at"],
        last_purchase_day=row["last_purchase_day"],
        order_count=row["order_count"],
        spend_minor=row["spend_minor"],
        others=json.loads(row["other_spend"] or "{}"),
        newest_fact_at=row["newest_fact_at"],
        recency=row["recency_score"],
        frequency=row["frequency_score"],
        monetary=row["monetary_score"],
        segment=row["segment"],
        ranked=ranked,
    )


def _flat(row: Row) -> tuple[object, ...]:
    return (
        row.customer_id,
        row.currency,
        row.last_purchase_at,
        row.last_purchase_day,
        row.order_count,
        row.spend_minor,
        json.dumps(dict(row.others)) if row.others else None,
        row.newest_fact_at,
        row.recency,
        row.frequency,
        row.monetary,
        row.segment,
        *(row.ranked or (None, None, None)),
    )
