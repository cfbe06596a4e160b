"""Use case: how much of many shows had been sold by instants of their own."""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt
from asyncpg import Record

from libs.common.buckets import microseconds
from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.metrics.orders.sums import NO_ID

_DAY: Final = 86_400 * 10**6
_SHOW: Final = 1 << 32
"""Above every number of a day, so that a show's days follow those of the show before."""

# Grain: two kinds of rows in one snapshot: a show with its sales by day, and a question (a show and an
# instant, by its number) with what its last day adds, where that is anything. Index: sales_rollup_by_event,
# order_lines_by_event, ticket_types_by_event. Whole days are read once a show, however many instants are
# asked of it; the rest of its day is read for each question: quarters of an hour from the rollup, the last
# minutes from the books. Tickets sold without their show (zero id in the rollup, null in the books) count for
# the show of their type, as in the counts of capacity; shows without any such day have no such quarter
# either. Days come as arrays of numbers, in no order: sorting them here would spill, and a row a day is slow
# to decode.
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
), unnamed as materialized (
    select typed.event_id, array_agg((bucket_start at time zone 'UTC')::date - date '1970-01-01') as days,
           array_agg(ticket_count - refunded_ticket_count) as sold
      from sales_rollup
      join typed using (ticket_type_id)
     where tenant_id = $1 and sales_rollup.event_id = $4 and bucket_minutes = 1440
     group by typed.event_id
)
select show.event_id, part.days, part.sold as sold_by_day, null::bigint as number, null::bigint as sold
  from show
  cross join lateral (
       select array_agg((bucket_start at time zone 'UTC')::date - date '1970-01-01') as days,
              array_agg(ticket_count - refunded_ticket_count) as sold
         from sales_rollup
        where tenant_id = $1 and event_id = show.event_id and bucket_minutes = 1440
          and bucket_start < show.last_day) as part
 where part.days is not null
 union all
select event_id, days, sold, null, null
  from unnamed
 union all
select null, null, null, asked.number, (coalesce(quarters.sold, 0) + coalesce(books.sold, 0))::bigint
  from asked
  cross join lateral (
       select sum(ticket_count - refunded_ticket_count) as sold
         from sales_rollup
        where tenant_id = $1 and event_id = asked.event_id and bucket_minutes = 15
          and bucket_start >= asked.day and bucket_start < asked.quarter) as quarters
  cross join lateral (
       select sum(ticket_count - refunded_ticket_count) as sold
         from order_lines
        where tenant_id = $1 and event_id = asked.event_id
          and sold_at >= asked.quarter and sold_at < asked.until) as books
 where quarters.sold is not null or books.sold is not null
 union all
select null, null, null, asked.number, (coalesce(quarters.sold, 0) + coalesce(books.sold, 0))::bigint
  from asked
  join unnamed using (event_id)
  cross join lateral (
       select sum(ticket_count - refunded_ticket_count) as sold
         from sales_rollup
        where tenant_id = $1 and event_id = $4 and bucket_minutes = 15
          and bucket_start >= asked.day and bucket_start < asked.quarter
          and ticket_type_id in (select ticket_type_id from typed
                                  where typed.event_id = asked.event_id)) as quarters
  cross join lateral (
       select sum(ticket_count - refunded_ticket_count) as sold
         from order_lines
        where tenant_id = $1 and event_id is null
          and sold_at >= asked.quarter and sold_at < asked.until
          and ticket_type_id in (select ticket_type_id from typed
                                  where typed.event_id = asked.event_id)) as books
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
    sold = _sold_before_day([row for row in rows if row["days"]], questions)
    for row in rows:
        if row["number"] is not None:
            sold[row["number"] - 1] += row["sold"]
    found: list[int] = sold.tolist()
    return found


def _sold_before_day(days: Sequence[Record], questions: Sequence[SoldUntil]) -> npt.NDArray[np.int64]:
    """What was sold of each question's show before the day of its instant: differences of one running sum."""
    codes: dict[UUID, int] = {}
    starts = np.array(
        [_SHOW * codes.setdefault(one.event_id, len(codes)) for one in questions], dtype=np.int64
    )
    ends = starts + np.array([microseconds(one.until) // _DAY for one in questions], dtype=np.int64)
    counts = [len(row["days"]) for row in days]
    places = np.repeat(np.array([_SHOW * codes[row["event_id"]] for row in days], dtype=np.int64), counts)
    places += np.fromiter(chain.from_iterable(row["days"] for row in days), np.int64, sum(counts))
    sold = np.fromiter(chain.from_iterable(row["sold_by_day"] for row in days), np.int64, sum(counts))
    order = np.argsort(places)
    running = np.concatenate(([0], np.cumsum(sold[order])))
    before, until = (np.searchsorted(places[order], edge) for edge in (starts - _SHOW // 2, ends))
    return running[until] - running[before]
