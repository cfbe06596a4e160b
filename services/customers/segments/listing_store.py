"""SQL of a venue's customers in an order that was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from libs.common.postgres.database import Connection

# Grain: one scored customer of a venue. Indexes: customer_rfm_scores_pkey or _by_segment,
# customer_churn_pkey, customer_lifetime_value_pkey. One statement for every order: it reads the venue's
# customers once and keeps a page of them. A rank of -1 stands for what is not known, behind everything that
# is.
_PAGE = """
select customer_id, rank, probability, horizon_days, value_currency, expected_minor, newest_fact_at
  from (
       select score.customer_id, churn.probability, churn.horizon_days, value.currency as value_currency,
              value.expected_minor, score.newest_fact_at,
              case $3::text
              when 'recency' then (extract(epoch from score.last_purchase_at) * 1000000)::double precision
              when 'frequency' then score.order_count::double precision
              when 'churn' then coalesce(churn.probability, -1)
              when 'clv' then coalesce(value.expected_minor, -1)::double precision
              else score.spend_minor::double precision
              end as rank
         from customer_rfm_scores as score
         left join customer_churn as churn
           on churn.tenant_id = $1 and churn.venue_id = $2 and churn.customer_id = score.customer_id
         left join customer_lifetime_value as value
           on value.tenant_id = $1 and value.venue_id = $2 and value.customer_id = score.customer_id
          and value.is_main
        where score.tenant_id = $1 and score.venue_id = $2
          and ($4::text is null or score.segment = $4::text)
          and ($5::text is null
               or exists (select from customer_segment_members as member
                           where member.tenant_id = $1 and member.venue_id = $2
                             and member.segment = $5::text and member.customer_id = score.customer_id))
          and ($6::bigint is null or score.spend_minor >= $6::bigint)
          and ($7::date is null or score.last_purchase_day >= $7::date)
       ) as customer
 where $8::double precision is null or (rank, customer_id) < ($8::double precision, $9::uuid)
 order by rank desc, customer_id desc
 limit $10
"""
# Grain: one segment that the tenant made. Index: customer_segments_pkey.
_IS_OWN = """
select exists (select from customer_segments where tenant_id = $1 and venue_id = $2 and segment = $3)
"""


@dataclass(frozen=True, slots=True)
class Listing:
    """Which customers, in which order; None asks nothing. `own_segment` is one that the tenant made."""

    order_by: str
    segment: str | None
    own_segment: str | None
    min_spend: int | None
    since_day: date | None


@dataclass(frozen=True, slots=True)
class Listed:
    """One customer of a listing, with what models tell of them."""

    customer_id: UUID
    rank: float
    churn_probability: float | None
    churn_horizon_days: int | None
    value_currency: str | None
    expected_minor: int | None
    newest_fact_at: datetime


async def select_page(
    conn: Connection,
    place: tuple[UUID, UUID],
    listing: Listing,
    after: Sequence[Any] | None,
    limit: int,
) -> list[Listed]:
    """Customers of a place (tenant, venue) behind a rank and id, at most `limit`."""
    rows = await conn.fetch(
        _PAGE,
        *place,
        listing.order_by,
        listing.segment,
        listing.own_segment,
        listing.min_spend,
        listing.since_day,
        *(after or (None, None)),
        limit,
    )
    return [Listed(*row) for row in rows]


async def is_own_segment(conn: Connection, place: tuple[UUID, UUID], segment: str) -> bool:
    """Whether the tenant made a segment of this name for the venue."""
    return bool(await conn.fetchval(_IS_OWN, *place, segment))
