"""SQL of segments that tenants make, of their members, and of sums by segment."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.postgres.database import Connection

# Grain: one segment of the venue. Index: customer_segments_pkey.
_SEGMENTS = """
select segment, predicate
  from customer_segments
 where tenant_id = $1 and venue_id = $2
 order by segment
"""
# Grain: one segment of the venue. Index: customer_segments_pkey.
_MADE = """
select segment, created_at
  from customer_segments
 where tenant_id = $1 and venue_id = $2
 order by segment
"""
_INSERT = """
insert into customer_segments (tenant_id, venue_id, segment, predicate, created_at)
values ($1, $2, $3, $4, $5)
on conflict (tenant_id, venue_id, segment) do nothing
"""
_DELETE = """
delete from customer_segments where tenant_id = $1 and venue_id = $2 and segment = $3 returning predicate
"""
# Grain: one member. Index: customer_segment_members_pkey.
_DELETE_MEMBERS = (
    "delete from customer_segment_members where tenant_id = $1 and venue_id = $2 and segment = $3"
)

# Grain: one customer of the place who belongs in the segment, and one who does not any more. Indexes:
# customer_rfm_scores_pkey (by person, or all of the place), customers_pkey, customer_churn_pkey,
# customer_lifetime_value_pkey, customer_segment_members_pkey. $4: whom to look at, null: everyone. A number
# that is not known fulfils no condition on it.
_KEEP_MEMBERS = """
with matching as materialized (
    select score.customer_id
      from customer_rfm_scores as score
     cross join (select as_of_day
                   from rfm_runs
                  where tenant_id = $1 and venue_id = $2
                  order by computed_at desc
                  limit 1) as run
      left join customers as person on person.tenant_id = $1 and person.customer_id = score.customer_id
      left join customer_churn as churn
        on churn.tenant_id = $1 and churn.venue_id = $2 and churn.customer_id = score.customer_id
      left join customer_lifetime_value as value
        on value.tenant_id = $1 and value.venue_id = $2 and value.customer_id = score.customer_id
       and value.is_main
     where score.tenant_id = $1 and score.venue_id = $2
       and ($4::uuid[] is null or score.customer_id = any($4::uuid[]))
       and greatest(run.as_of_day - score.last_purchase_day, 0)::double precision between $6 and $7
       and score.order_count::double precision between $8 and $9
       and score.spend_minor::double precision between $10 and $11
       and (not $16::boolean or churn.probability between $12 and $13)
       and (not $17::boolean or value.expected_minor::double precision between $14 and $15)
       and ($18::text[] is null or score.segment || score.monetary_score::text = any($18::text[]))
       and ($19::text[] is null or score.currency = any($19::text[]))
       and score.currency <> all($20::text[])
       and ($21::boolean is null or coalesce(person.marketing_consent, false) = $21::boolean)
), gone as (
    delete from customer_segment_members as member
     where member.tenant_id = $1 and member.venue_id = $2 and member.segment = $3
       and ($4::uuid[] is null or member.customer_id = any($4::uuid[]))
       and not exists (select from matching where matching.customer_id = member.customer_id)
)
insert into customer_segment_members (tenant_id, venue_id, segment, customer_id, since)
select $1, $2, $3, customer_id, $5
  from matching
 order by customer_id
on conflict (tenant_id, venue_id, segment, customer_id) do nothing
"""

# Grain: one segment of scores and currency. Index: segment_totals_pkey.
_TOTALS = """
select segment, currency, customer_count, order_count, spend_minor, last_day_sum
  from segment_totals
 where tenant_id = $1 and venue_id = $2
"""
# Grain: one segment that the tenant made and currency of its members. Indexes: customer_segment_members_pkey,
# customer_rfm_scores_pkey. $3: only this segment, null: all.
_OWN_TOTALS = """
select member.segment, amount.currency, sum(amount.customer_count)::bigint as customer_count,
       sum(amount.order_count)::bigint as order_count, sum(amount.spend_minor)::bigint as spend_minor,
       sum(amount.last_day_sum)::bigint as last_day_sum
  from customer_segment_members as member
  join customer_rfm_scores as score
    on score.tenant_id = $1 and score.venue_id = $2 and score.customer_id = member.customer_id
 cross join lateral (
       select score.currency, 1 as customer_count, score.order_count, score.spend_minor,
              score.last_purchase_day - date '2000-01-01' as last_day_sum
        union all
       select other.key, 0, 0, other.value::bigint, 0
         from jsonb_each_text(score.other_spend) as other
       ) as amount
 where member.tenant_id = $1 and member.venue_id = $2 and ($3::text is null or member.segment = $3::text)
 group by member.segment, amount.currency
"""
# Grain: members who came since a time. Index: customer_segment_members_pkey.
_CAME = """
select count(*)
  from customer_segment_members
 where tenant_id = $1 and venue_id = $2 and segment = $3 and since >= $4
"""
# Grain: one pair of segments. Index: segment_flows_pkey, by place and day.
_FLOWS = """
select from_segment, to_segment, sum(customer_count)::bigint as customer_count,
       sum(recency_count)::bigint as recency_count, sum(frequency_count)::bigint as frequency_count,
       sum(monetary_count)::bigint as monetary_count
  from segment_flows
 where tenant_id = $1 and venue_id = $2 and day > $4 and (from_segment = $3 or to_segment = $3)
 group by from_segment, to_segment
 order by customer_count desc, from_segment, to_segment
"""


class SegmentStore:
    """Segments of one place inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID, venue_id: UUID) -> None:
        self._driver = conn
        self._place = (tenant_id, venue_id)

    async def own(self) -> dict[str, str]:
        """Predicates of the segments that the tenant made, as JSON, by name."""
        rows = await self._driver.fetch(_SEGMENTS, *self._place)
        return {row["segment"]: row["predicate"] for row in rows}

    async def made(self) -> list[tuple[str, datetime]]:
        """Segments that the tenant made, and when: no two of one name were made at one time."""
        rows = await self._driver.fetch(_MADE, *self._place)
        return [(row["segment"], row["created_at"]) for row in rows]

    async def insert(self, segment: str, predicate: str, at: datetime) -> bool:
        """Whether the name was free."""
        outcome = await self._driver.execute(_INSERT, *self._place, segment, predicate, at)
        return bool(outcome == "INSERT 0 1")

    async def delete(self, segment: str) -> str | None:
        """The predicate of the segment that was deleted with its members; None: there was none."""
        predicate: str | None = await self._driver.fetchval(_DELETE, *self._place, segment)
        await self._driver.execute(_DELETE_MEMBERS, *self._place, segment)
        return predicate

    async def keep_members(
        self, segment: str, binds: tuple[object, ...], customer_ids: Collection[UUID] | None, at: datetime
    ) -> None:
        """Make those and only those members who fulfil the conditions, among some people or (None) all."""
        some = None if customer_ids is None else list(customer_ids)
        await self._driver.execute(_KEEP_MEMBERS, *self._place, segment, some, at, *binds)

    async def totals(self) -> list[Any]:
        """Sums by segment of scores and currency."""
        rows: list[Any] = await self._driver.fetch(_TOTALS, *self._place)
        return rows

    async def own_totals(self, segment: str | None = None) -> list[Any]:
        """Sums by segment that the tenant made and currency."""
        rows: list[Any] = await self._driver.fetch(_OWN_TOTALS, *self._place, segment)
        return rows

    async def came(self, segment: str, since: datetime) -> int:
        return int(await self._driver.fetchval(_CAME, *self._place, segment, since))

    async def flows(self, segment: str, after: Any) -> list[Any]:
        """Moves into and out of a segment of scores, by pair, on days after one."""
        rows: list[Any] = await self._driver.fetch(_FLOWS, *self._place, segment, after)
        return rows
