"""SQL of a venue's customers in an order that was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from libs.common.postgres.database import Connection

# Grain: one scored customer of a venue, in whatever order and however filtered. It reads all customers of
# the venue as the table lies (a million: half a second) and keeps a page of them. Indexes: by churn or clv, a
# probe of customer_churn_pkey or customer_lifetime_value_pkey for each; what models tell of the page alone by
# the same. A rank of -1 stands for what is not known, behind everything that is.
_PAGE = """
with page as materialized (
    select customer_id, rank, newest_fact_at
      from (
           select score.customer_id, score.newest_fact_at,
                  case $3::text
                  when 'recency' then date_part('epoch', score.last_purchase_at) * 1000000
                  when 'frequency' then score.order_count::double precision
                  when 'churn' then coalesce((
                       select churn.probability
                         from customer_churn as churn
                        where churn.tenant_id = $1 and churn.venue_id = $2
                          and churn.customer_id = score.customer_id), -1)
                  when 'clv' then coalesce((
                       select value.expected_minor
                         from customer_lifetime_value as value
                        where value.tenant_id = $1 and value.venue_id = $2
                          and value.customer_id = score.customer_id and value.is_main), -1)::double precision
                  else score.spend_minor::double precision
                  end as rank
             from customer_rfm_scores as score
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
)
select page.customer_id, page.rank, churn.probability, churn.horizon_days, value.currency,
       value.expected_minor, page.newest_fact_at
  from page
  left join customer_churn as churn
    on churn.tenant_id = $1 and churn.venue_id = $2 and churn.customer_id = page.customer_id
  left join customer_lifetime_value as value
    on value.tenant_id = $1 and value.venue_id = $2 and value.customer_id = page.customer_id and value.is_main
 order by page.rank desc, page.customer_id desc
"""

# Grain: one scored customer of a venue with a known probability, the greatest first. Index:
# customer_churn_by_probability, backwards; customer_rfm_scores_pkey for each.
_BY_CHURN = """
with page as materialized (
    select churn.customer_id, churn.probability, churn.horizon_days, score.newest_fact_at
      from customer_churn as churn
      join customer_rfm_scores as score
        on score.tenant_id = $1 and score.venue_id = $2 and score.customer_id = churn.customer_id
     where churn.tenant_id = $1 and churn.venue_id = $2
       and ($3::double precision is null
            or (churn.probability, churn.customer_id) < ($3::double precision, $4::uuid))
     order by churn.probability desc, churn.customer_id desc
     limit $5
)
select page.customer_id, page.probability as rank, page.probability, page.horizon_days, value.currency,
       value.expected_minor, page.newest_fact_at
  from page
  left join customer_lifetime_value as value
    on value.tenant_id = $1 and value.venue_id = $2 and value.customer_id = page.customer_id and value.is_main
 order by page.probability desc, page.customer_id desc
"""

# Grain: one scored customer of a venue with an expected value, the greatest first. Index:
# customer_lifetime_value_by_expected, backwards; customer_rfm_scores_pkey for each.
_BY_VALUE = """
with page as materialized (
    select value.customer_id, value.currency, value.expected_minor, score.newest_fact_at
      from customer_lifetime_value as value
      join customer_rfm_scores as score
        on score.tenant_id = $1 and score.venue_id = $2 and score.customer_id = value.customer_id
     where value.tenant_id = $1 and value.venue_id = $2 and value.is_main and value.expected_minor is not null
       and ($3::bigint is null or (value.expected_minor, value.customer_id) < ($3::bigint, $4::uuid))
     order by value.expected_minor desc, value.customer_id desc
     limit $5
)
select page.customer_id, page.expected_minor::double precision as rank, churn.probability, churn.horizon_days,
       page.currency, page.expected_minor, page.newest_fact_at
  from page
  left join customer_churn as churn
    on churn.tenant_id = $1 and churn.venue_id = $2 and churn.customer_id = page.customer_id
 order by page.expected_minor desc, page.customer_id desc
"""
_UNKNOWN = -1
_IN_ORDER = {"churn": _BY_CHURN, "clv": _BY_VALUE}

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

    @property
    def is_filtered(self) -> bool:
        filters = (self.segment, self.own_segment, self.min_spend, self.since_day)
        return any(one is not None for one in filters)


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
    """Customers of a place (tenant, venue) behind a rank and id, at most `limit`.

    What models tell of everyone is read in order, from an index. Of a part of them, it would be walked along
    all the others; those whose rank is not known are not in it: there, all are read. What scores tell has no
    such index: a night would have to write every index anew for each row whose spend or recency it changes,
    which takes several times as long as the row (docs/adr/0018).
    """
    rank, customer_id = after or (None, None)
    if not listing.is_filtered and rank != _UNKNOWN and listing.order_by in _IN_ORDER:
        if rank is not None and listing.order_by == "clv":
            rank = int(rank)
        rows = await conn.fetch(_IN_ORDER[listing.order_by], *place, rank, customer_id, limit)
        if len(rows) == limit:
            return [Listed(*row) for row in rows]
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
