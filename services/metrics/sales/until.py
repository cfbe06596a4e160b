"""Use case: how much of many shows had been sold by instants of their own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.columns import columns
from services.metrics.orders.sums import NO_ID

# Grain: one question (a show and an instant). Index: sales_rollup_by_event, order_lines_by_event,
# ticket_types_by_event. Whole days are read once a show, however many instants are asked of it, and summed up
# in their order, the questions between them; the rest of its day is read for each question: quarters of an
# hour from the rollup, the last minutes from the books. Tickets sold without their show (zero id in the
# rollup, null in the books) count for the show of their type, as in the counts of capacity.
_SOLD_UNTIL: Final = """
with asked as materialized (
    select number, event_id, until, date_bin('1 day', until, 'epoch') as day,
           date_bin('15 minutes', until, 'epoch') as quarter
      from unnest($2::uuid[], $3::timestamptz[]) with ordinality as question (event_id, until, number)
), show as materialized (
    select event_id, max(day) as last_day
      from asked
     group by event_id
), typed as materialized (
    select show.event_id, type.ticket_type_id
      from show
      join ticket_types as type on type.tenant_id = $1 and type.event_id = show.event_id
), daily as (
    select show.event_id, part.bucket_start, part.sold
      from show
      cross join lateral (
           select bucket_start, sum(ticket_count - refunded_ticket_count) as sold
             from sales_rollup
            where tenant_id = $1 and event_id = show.event_id and bucket_minutes = 1440
              and bucket_start < show.last_day
            group by bucket_start
           offset 0) as part
    union all
    select typed.event_id, bucket_start, ticket_count - refunded_ticket_count
      from sales_rollup
      join typed using (ticket_type_id)
     where tenant_id = $1 and sales_rollup.event_id = $4 and bucket_minutes = 1440
), summed as (
    select number, sum(sold) over (partition by event_id order by at, number nulls last
                                   rows unbounded preceding) as sold
      from (select event_id, bucket_start as at, null::bigint as number, sold from daily
            union all
            select event_id, day, number, 0 from asked) as place
)
select (summed.sold + coalesce(quarters.sold, 0) + coalesce(books.sold, 0))::bigint as sold
  from asked
  join summed using (number)
  cross join lateral (
       select sum(sold) as sold
         from (select ticket_count - refunded_ticket_count as sold
                 from sales_rollup
                where tenant_id = $1 and event_id = asked.event_id and bucket_minutes = 15
                  and bucket_start >= asked.day and bucket_start < asked.quarter
               union all
               select ticket_count - refunded_ticket_count
                 from sales_rollup
                where tenant_id = $1 and event_id = $4 and bucket_minutes = 15
                  and bucket_start >= asked.day and bucket_start < asked.quarter
                  and ticket_type_id in (select ticket_type_id from typed
                                          where typed.event_id = asked.event_id)) as part) as quarters
  cross join lateral (
       select sum(sold) as sold
         from (select ticket_count - refunded_ticket_count as sold
                 from order_lines
                where tenant_id = $1 and event_id = asked.event_id
                  and sold_at >= asked.quarter and sold_at < asked.until
               union all
               select ticket_count - refunded_ticket_count
                 from order_lines
                where tenant_id = $1 and event_id is null
                  and sold_at >= asked.quarter and sold_at < asked.until
                  and ticket_type_id in (select ticket_type_id from typed
                                          where typed.event_id = asked.event_id)) as part) as books
 order by number
"""


class SoldUntil(NamedTuple):
    """Asks for the tickets of a show that were sold before an instant."""

    event_id: UUID
    until: datetime


async def sold_until(conn: Connection, tenant_id: UUID, questions: Sequence[SoldUntil]) -> list[int]:
    """Tickets sold before each instant and not returned, by the books as they are now.

    Args:
        conn: A transaction of the tenant; its venue grant limits the answer.
        tenant_id: The tenant.
        questions: Shows and instants, in any order; a show may come many times.

    Returns:
        One number a question, in their order.
    """
    rows = await conn.fetch(_SOLD_UNTIL, tenant_id, *columns(questions, 2), NO_ID)
    return [row["sold"] for row in rows]
