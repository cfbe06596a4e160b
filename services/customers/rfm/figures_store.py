"""SQL of what a run reads: what was bought at a place, and the rows that stand."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.customers.rfm.copy_rows import EPOCH_DAY, EPOCH_US, UUID_COLUMN, read_rows
from services.customers.rfm.outcome import Standing
from services.customers.rfm.sales import Sales, local_days

# The planner would read the whole table and hash it, because it takes an index for as random as its table.
_TAKE_ORDER = "set local enable_hashagg = off"
_TAKE_ANY_ORDER = "set local enable_hashagg = on"

# Grain: one customer and currency of one venue. Index: purchases_by_venue_customer has every column and the
# order of the groups. $3: the moment that looks back, $4: where the window begins, $5: some people, null:
# everyone. Purchases that were returned leave order_count 0.
_SALES = """
select customer_id, currency,
       coalesce(max(sold_at) filter (where order_count > 0), 'epoch') as last_us,
       sum(order_count)::bigint as purchases, sum(spend_minor)::bigint as spend_ever,
       coalesce(sum(order_count) filter (where sold_at >= $4), 0)::bigint as orders,
       coalesce(sum(spend_minor) filter (where sold_at >= $4), 0)::bigint as spend,
       max(newest_fact_at) as newest_us
  from purchases
 where tenant_id = $1 and venue_id = $2 and sold_at <= $3
   and ($5::uuid[] is null or customer_id = any($5::uuid[]))
 group by customer_id, currency
"""
_SALES_LAYOUT: Final = {
    "customer": UUID_COLUMN,
    "currency": "S3",
    "last_us": ">i8",
    "purchases": ">i8",
    "spend_ever": ">i8",
    "orders": ">i8",
    "spend": ">i8",
    "newest_us": ">i8",
}

# Grain: one scored customer of a place. Index: customer_rfm_scores_pkey. $3: some people, null: everyone.
# What is small travels in one number, as a field costs more than its bits: both flags in the lowest two,
# three for each score, the orders in 31 and above them the day, since 2000-01-01.
_STANDING = """
select customer_id, currency, last_purchase_at, spend_minor, newest_fact_at,
       (last_purchase_day - date '2000-01-01')::bigint * 4398046511104 + order_count::bigint * 2048
       + recency_score * 256 + frequency_score * 32 + monetary_score * 4 + is_incremental::integer * 2
       + (other_spend is not null)::integer as small
  from customer_rfm_scores
 where tenant_id = $1 and venue_id = $2 and ($3::uuid[] is null or customer_id = any($3::uuid[]))
 order by customer_id
"""
_STANDING_LAYOUT: Final = {
    "customer": UUID_COLUMN,
    "currency": "S3",
    "last_us": ">i8",
    "spend": ">i8",
    "newest_us": ">i8",
    "small": ">i8",
}
_SMALL: Final = {
    "has_others": (0, 1),
    "is_incremental": (1, 1),
    "monetary": (2, 3),
    "frequency": (5, 3),
    "recency": (8, 3),
    "orders": (11, 31),
}
"""By name, the lowest bit and how many there are; the day is above them."""
_DAY_BIT: Final = 42

# Grain: one scored customer of a place, as the table lies.
_RANKED = """
select customer_id, spend_minor,
       (last_purchase_day - date '2000-01-01')::bigint * 4398046511104 + order_count::bigint * 2048
       + recency_score * 256 + frequency_score * 32 + monetary_score * 4 as small
  from customer_rfm_scores
 where tenant_id = $1 and venue_id = $2
"""
_RANKED_LAYOUT: Final = {"customer": UUID_COLUMN, "spend": ">i8", "small": ">i8"}
# Grain: one of some scored customers of a place. Index: customer_rfm_scores_pkey.
_OTHERS = """
select customer_id, other_spend
  from customer_rfm_scores
 where tenant_id = $1 and venue_id = $2 and customer_id = any($3::uuid[]) and other_spend is not null
"""

# Grain: one person whose figures may differ from their rows. Indexes: customer_rfm_incremental (whoever was
# scored after the run), purchases_by_venue (whoever bought in a span of time: venues $2, from $3, until $4).
_DUE = """
select customer_id
  from customer_rfm_scores
 where tenant_id = $1 and is_incremental
 union
select sale.customer_id
  from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) as span (venue_id, since, until)
 cross join lateral (
       select customer_id
         from purchases
        where tenant_id = $1 and venue_id = span.venue_id
          and sold_at >= span.since and sold_at < span.until) as sale
"""


class Span(NamedTuple):
    """A time at a venue, from `since` to before `until`."""

    venue_id: UUID
    since: datetime
    until: datetime


async def bought_or_scored_since(conn: Connection, tenant_id: UUID, spans: Sequence[Span]) -> list[UUID]:
    """Whoever bought in one of the spans, or was scored between two runs."""
    rows = await conn.fetch(_DUE, tenant_id, *columns(spans, 3))
    return [row["customer_id"] for row in rows]


class FiguresStore:
    """One place of a tenant inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID, venue_id: UUID) -> None:
        self._driver = conn
        self._place = (tenant_id, venue_id)

    async def sales(
        self,
        as_of: datetime,
        window_start: datetime,
        clock: ZoneInfo,
        customer_ids: Sequence[UUID] | None = None,
    ) -> Sales:
        """What some people (None: all) bought at the venue up to a moment, on the venue's clock."""
        if customer_ids is None:
            await self._driver.execute(_TAKE_ORDER)
        found = await self._copied(_SALES, _SALES_LAYOUT, as_of, window_start, customer_ids)
        if customer_ids is None:
            await self._driver.execute(_TAKE_ANY_ORDER)
        return _sales(found, clock)

    async def standing(self, customer_ids: Sequence[UUID] | None = None) -> Standing:
        """The rows of some people (None: all) that stand."""
        return _standing(await self._copied(_STANDING, _STANDING_LAYOUT, customer_ids))

    async def ranked(self) -> Standing:
        """What everyone who stands was and is ranked by, in no order."""
        return _standing(await self._copied(_RANKED, _RANKED_LAYOUT))

    async def others(self, standing: Standing) -> dict[int, dict[str, int]]:
        """What rows that stand tell of spend beside the main currency, by row and currency."""
        rows = np.flatnonzero(standing.columns["has_others"])
        of = dict(zip(standing.ids(rows), rows.tolist(), strict=True))
        if not of:
            return {}
        found = await self._driver.fetch(_OTHERS, *self._place, list(of))
        return {of[row["customer_id"]]: json.loads(row["other_spend"]) for row in found}

    async def _copied(self, query: str, layout: Any, *arguments: object) -> dict[str, NDArray[Any]]:
        file = bytearray()

        async def take(block: bytes) -> None:
            file.extend(block)

        await self._driver.copy_from_query(query, *self._place, *arguments, output=take, format="binary")
        return read_rows(file, layout)


def _sales(found: Mapping[str, NDArray[Any]], clock: ZoneInfo) -> Sales:
    codes, currency = _coded(found["currency"])
    last_us = found["last_us"] + EPOCH_US
    return Sales(
        high=found["customer_high"],
        low=found["customer_low"],
        currency=currency,
        last_us=last_us,
        last_day=local_days(last_us, clock),
        purchases=found["purchases"],
        spend_ever=found["spend_ever"],
        orders=found["orders"],
        spend=found["spend"],
        newest_us=found["newest_us"] + EPOCH_US,
        currencies=tuple(code.decode() for code in codes.tolist()),
    )


def _standing(found: dict[str, NDArray[Any]]) -> Standing:
    found["high"], found["low"] = found.pop("customer_high"), found.pop("customer_low")
    for name in ("last_us", "newest_us"):
        if name in found:
            found[name] += EPOCH_US
    small = found.pop("small")
    for name, (lowest, bits) in _SMALL.items():
        found[name] = small >> lowest & (1 << bits) - 1
    found["last_day"] = (small >> _DAY_BIT) + EPOCH_DAY
    return Standing(found)


def _coded(codes: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The distinct codes, rising, and the place of each row's among them."""
    if len(codes) and (codes == codes[0]).all():
        return codes[:1], np.zeros(len(codes), np.int64)
    distinct, places = np.unique(codes, return_inverse=True)
    return distinct, places.astype(np.int64)
