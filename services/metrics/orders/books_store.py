"""SQL of the books and of the sums kept over them."""

from collections.abc import Collection, Iterable
from operator import attrgetter
from typing import Final
from uuid import UUID

from libs.common.orders.books import BookLine
from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.metrics.orders.sums import Deltas, SalesDelta, SalesKey, TicketDelta, TicketKey

# Grain: one line of a locked order. Index: order_lines_pkey, by its first two columns.
_TAKE_OUT = """
delete from order_lines
 where tenant_id = $1 and order_id = any($2::uuid[])
returning order_id, line_number, venue_id, sold_at, channel, currency, event_id, ticket_type_id, order_count,
          event_order_count, line_order_count, ticket_count, gross_minor, fee_minor, newest_fact_at,
          refunded_ticket_count, refund_minor, refunded_fee_minor
"""

# Grain: one line of a locked order.
_PUT_IN = """
insert into order_lines (tenant_id, order_id, line_number, venue_id, sold_at, channel, currency, event_id,
                         ticket_type_id, order_count, event_order_count, line_order_count, ticket_count,
                         gross_minor, fee_minor, newest_fact_at, refunded_ticket_count, refund_minor,
                         refunded_fee_minor)
select $1, order_id, line_number, venue_id, sold_at, channel, currency, event_id,
       ticket_type_id, order_count, event_order_count, line_order_count, ticket_count,
       gross_minor, fee_minor, newest_fact_at, refunded_ticket_count, refund_minor,
       refunded_fee_minor
  from unnest($2::uuid[], $3::integer[], $4::uuid[], $5::timestamptz[], $6::text[], $7::text[], $8::uuid[],
              $9::uuid[], $10::integer[], $11::integer[], $12::integer[], $13::integer[], $14::bigint[],
              $15::bigint[], $16::timestamptz[], $17::integer[], $18::bigint[], $19::bigint[])
       as new (order_id, line_number, venue_id, sold_at, channel, currency, event_id,
               ticket_type_id, order_count, event_order_count, line_order_count, ticket_count,
               gross_minor, fee_minor, newest_fact_at, refunded_ticket_count, refund_minor,
               refunded_fee_minor)
"""

# Grain: one rollup row. Index: sales_rollup_pkey. Sorted by the key, so that two transactions that add to the
# same rows wait in one order.
_ADD_SALES = """
insert into sales_rollup as kept (tenant_id, venue_id, bucket_minutes, bucket_start, event_id, channel,
                                  ticket_type_id, currency, newest_fact_at, order_count, event_order_count,
                                  line_order_count, ticket_count, gross_minor, fee_minor,
                                  refunded_ticket_count, refund_minor, refunded_fee_minor)
select $1, venue_id, bucket_minutes, bucket_start, event_id, channel, ticket_type_id, currency,
       newest_fact_at, order_count, event_order_count, line_order_count, ticket_count, gross_minor, fee_minor,
       refunded_ticket_count, refund_minor, refunded_fee_minor
  from unnest($2::uuid[], $3::smallint[], $4::timestamptz[], $5::uuid[], $6::uuid[], $7::text[], $8::text[],
              $9::timestamptz[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[],
              $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[])
       as new (venue_id, bucket_minutes, bucket_start, event_id, ticket_type_id, channel, currency,
               newest_fact_at, order_count, event_order_count, line_order_count, ticket_count, gross_minor,
               fee_minor, refunded_ticket_count, refund_minor, refunded_fee_minor)
 order by venue_id, bucket_minutes, bucket_start, event_id, ticket_type_id, channel, currency
on conflict (tenant_id, venue_id, bucket_minutes, bucket_start, event_id, ticket_type_id, channel, currency)
do update
   set newest_fact_at = greatest(kept.newest_fact_at, excluded.newest_fact_at),
       order_count = kept.order_count + excluded.order_count,
       event_order_count = kept.event_order_count + excluded.event_order_count,
       line_order_count = kept.line_order_count + excluded.line_order_count,
       ticket_count = kept.ticket_count + excluded.ticket_count,
       gross_minor = kept.gross_minor + excluded.gross_minor,
       fee_minor = kept.fee_minor + excluded.fee_minor,
       refunded_ticket_count = kept.refunded_ticket_count + excluded.refunded_ticket_count,
       refund_minor = kept.refund_minor + excluded.refund_minor,
       refunded_fee_minor = kept.refunded_fee_minor + excluded.refunded_fee_minor
"""

# Grain: one row of the counts. Index: ticket_counts_pkey. Sorted as above.
_ADD_TICKETS = """
insert into ticket_counts as kept (tenant_id, event_id, ticket_type_id, venue_id, newest_fact_at,
                                   sold_count, refunded_count)
select $1, event_id, ticket_type_id, venue_id, newest_fact_at, sold_count, refunded_count
  from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::bigint[], $7::bigint[])
       as new (event_id, ticket_type_id, venue_id, newest_fact_at, sold_count, refunded_count)
 order by event_id, ticket_type_id, venue_id
on conflict (tenant_id, event_id, ticket_type_id, venue_id) do update
   set newest_fact_at = greatest(kept.newest_fact_at, excluded.newest_fact_at),
       sold_count = kept.sold_count + excluded.sold_count,
       refunded_count = kept.refunded_count + excluded.refunded_count
"""

_LINE: Final = (
    "line_number", "venue_id", "sold_at", "channel", "currency", "event_id", "ticket_type_id", "order_count",
    "event_order_count", "line_order_count", "ticket_count", "gross_minor", "fee_minor", "newest_fact_at",
    "refunded_ticket_count", "refund_minor", "refunded_fee_minor",
)  # fmt: skip
_line_values = attrgetter(*_LINE)


class BooksStore:
    """The books of one tenant inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def take_out(self, order_ids: Collection[UUID]) -> dict[UUID, list[BookLine]]:
        """Remove the lines of these orders from the books; returns them by order."""
        taken: dict[UUID, list[BookLine]] = {}
        for row in await self._driver.fetch(_TAKE_OUT, self._tenant_id, list(order_ids)):
            line = BookLine(**{name: row[name] for name in _LINE})
            taken.setdefault(row["order_id"], []).append(line)
        return taken

    async def put_in(self, lines: Iterable[tuple[UUID, BookLine]]) -> None:
        """Enter lines, each with its order's id."""
        rows = [(order_id, *_line_values(line)) for order_id, line in lines]
        if rows:
            await self._driver.execute(_PUT_IN, self._tenant_id, *columns(rows, 18))

    async def add(self, deltas: Deltas) -> None:
        """Carry a change of the books into the sums."""
        if deltas.sales:
            sales = (_sales_row(key, delta) for key, delta in deltas.sales.items())
            await self._driver.execute(_ADD_SALES, self._tenant_id, *columns(sales, 17))
        if deltas.tickets:
            tickets = (_tickets_row(key, delta) for key, delta in deltas.tickets.items())
            await self._driver.execute(_ADD_TICKETS, self._tenant_id, *columns(tickets, 6))


def _sales_row(key: SalesKey, delta: SalesDelta) -> tuple[object, ...]:
    return (
        *key,
        delta.newest_fact_at,
        delta.order_count,
        delta.event_order_count,
        delta.line_order_count,
        delta.ticket_count,
        delta.gross_minor,
        delta.fee_minor,
        delta.refunded_ticket_count,
        delta.refund_minor,
        delta.refunded_fee_minor,
    )


def _tickets_row(key: TicketKey, delta: TicketDelta) -> tuple[object, ...]:
    return (*key, delta.newest_fact_at, delta.sold_count, delta.refunded_count)
