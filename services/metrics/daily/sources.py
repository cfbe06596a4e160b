"""SQL of the facts behind the daily tables, read anew: one statement a source, days told by their edges.

Every statement takes the tenant, one venue and the edges of its days, ascending; `place` is the number of the
day, from 1. What events add (`DailyFact`) must be what these statements find: that is what the check proves.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.daily.figures import DayTotals, EventDay, VenueDay

# Grain: day, show (null: none) and currency of the books. Index: order_lines_by_venue.
_SALES = """
select width_bucket(sold_at, $3::timestamptz[]) as place, event_id, currency,
       sum(order_count)::bigint as order_count, sum(event_order_count)::bigint as event_order_count,
       sum(ticket_count)::bigint as ticket_count,
       sum(refunded_ticket_count)::bigint as refunded_ticket_count, sum(gross_minor)::bigint as gross_minor,
       sum(refund_minor)::bigint as refund_minor, sum(fee_minor - refunded_fee_minor)::bigint as fee_minor,
       max(newest_fact_at) as newest_fact_at
  from order_lines
 where tenant_id = $1 and venue_id = $2
   and sold_at >= ($3::timestamptz[])[1] and sold_at < ($3::timestamptz[])[cardinality($3::timestamptz[])]
 group by 1, 2, 3
"""

# Grain: day and show of first admissions. Index: tickets_by_venue_admission.
_ADMISSIONS = """
select width_bucket(first_admitted_at, $3::timestamptz[]) as place, event_id, '' as currency,
       count(*) as scanned_count, max(first_admitted_at) as newest_fact_at
  from tickets
 where tenant_id = $1 and venue_id = $2 and first_admitted_at >= ($3::timestamptz[])[1]
   and first_admitted_at < ($3::timestamptz[])[cardinality($3::timestamptz[])]
 group by 1, 2
"""

# Grain: day and show of first transfers. Index: tickets_by_venue_transfer.
_TRANSFERS = """
select width_bucket(first_transferred_at, $3::timestamptz[]) as place, event_id, '' as currency,
       count(*) as transferred_count, max(first_transferred_at) as newest_fact_at
  from tickets
 where tenant_id = $1 and venue_id = $2 and first_transferred_at >= ($3::timestamptz[])[1]
   and first_transferred_at < ($3::timestamptz[])[cardinality($3::timestamptz[])]
 group by 1, 2
"""

# Grain: day, show and currency of first offers. Index: listings_by_time.
_LISTINGS = """
select width_bucket(first_listed_at, $3::timestamptz[]) as place, event_id, currency,
       count(*) as new_listing_count, max(first_listed_at) as newest_fact_at
  from listings
 where tenant_id = $1 and venue_id = $2 and first_listed_at >= ($3::timestamptz[])[1]
   and first_listed_at < ($3::timestamptz[])[cardinality($3::timestamptz[])]
 group by 1, 2, 3
"""

# Grain: day, show and currency of resales. Index: resales_by_time.
_RESALES = """
select width_bucket(resold_at, $3::timestamptz[]) as place, event_id, currency, count(*) as resale_count,
       sum(price_minor)::bigint as resale_minor, sum(royalty_minor)::bigint as royalty_minor,
       max(resold_at) as newest_fact_at
  from resales
 where tenant_id = $1 and venue_id = $2
   and resold_at >= ($3::timestamptz[])[1]
   and resold_at < ($3::timestamptz[])[cardinality($3::timestamptz[])]
 group by 1, 2, 3
"""

# Grain: day of a venue. An event that names several shows has a row for each and counts once here. Index:
# session_activity_pkey of the months concerned, by tenant and venue.
_VENUE_VISITS = """
select width_bucket(happened_at, $3::timestamptz[]) as place, '' as currency,
       count(distinct fact_id) filter (where step in (1, 2)) as page_view_count,
       count(distinct fact_id) filter (where step = 3) as cart_count,
       count(distinct fact_id) filter (where step = 4) as checkout_count,
       count(distinct session_id) as visitor_count, max(happened_at) as newest_fact_at
  from session_activity
 where tenant_id = $1 and venue_id = $2 and happened_at >= ($3::timestamptz[])[1]
   and happened_at < ($3::timestamptz[])[cardinality($3::timestamptz[])]
 group by 1
"""
# Grain: day and show. Index as above.
_EVENT_VISITS = """
select width_bucket(happened_at, $3::timestamptz[]) as place, event_id, '' as currency,
       count(distinct fact_id) filter (where step in (1, 2)) as page_view_count,
       count(distinct fact_id) filter (where step = 3) as cart_count,
       count(distinct fact_id) filter (where step = 4) as checkout_count, max(happened_at) as newest_fact_at
  from session_activity
 where tenant_id = $1 and venue_id = $2 and happened_at >= ($3::timestamptz[])[1]
   and happened_at < ($3::timestamptz[])[cardinality($3::timestamptz[])]
   and event_id <> '00000000-0000-0000-0000-000000000000'
 group by 1, 2
"""

# Grain: the table. The first instant that the partitions of session_activity reach back to: retention has
# dropped visits before it, or they lie in the partition for stragglers, which it empties, too.
_VISITS_KEPT_SINCE = """
select min(substring(pg_get_expr(part.relpartbound, part.oid) from 'FROM [(]''([^'']+)''')::timestamptz)
  from pg_inherits as child
  join pg_class as part on part.oid = child.inhrelid
 where child.inhparent = 'session_activity'::regclass
"""

_OF_BOTH: Final = (_SALES, _ADMISSIONS, _TRANSFERS, _LISTINGS, _RESALES)
_KEYS: Final = {"place", "event_id", "currency", "newest_fact_at"}


class Sources:
    """The facts of one venue."""

    def __init__(self, conn: Connection, tenant_id: UUID, venue_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id
        self._venue_id = venue_id

    async def add_lasting(self, totals: DayTotals, days: Sequence[date], edges: Sequence[datetime]) -> None:
        """Add what sales, tickets and the secondary market come to, which are kept for ever.

        Args:
            totals: Where to add.
            days: Local days.
            edges: Their edges, one more than days.
        """
        for statement in _OF_BOTH:
            for row in await self._fetch(statement, edges):
                key = self._key(row, days)
                totals.add(key, row["event_id"], _figures(row), row["newest_fact_at"])

    async def add_visits(self, totals: DayTotals, days: Sequence[date], edges: Sequence[datetime]) -> None:
        """Add what visits come to, of days that retention has not reached."""
        for row in await self._fetch(_VENUE_VISITS, edges):
            totals.add_venue(self._key(row, days), _figures(row), row["newest_fact_at"])
        for row in await self._fetch(_EVENT_VISITS, edges):
            key = EventDay(row["event_id"], *self._key(row, days))
            totals.add_event(key, _figures(row), row["newest_fact_at"])

    async def visits_kept_since(self) -> datetime:
        """From when on all visits are there."""
        since: datetime = await self._driver.fetchval(_VISITS_KEPT_SINCE)
        return since

    async def _fetch(self, statement: str, edges: Sequence[datetime]) -> Sequence[Any]:
        rows: Sequence[Any] = await self._driver.fetch(
            statement, self._tenant_id, self._venue_id, list(edges)
        )
        return rows

    def _key(self, row: Any, days: Sequence[date]) -> VenueDay:
        return VenueDay(self._venue_id, days[row["place"] - 1], row["currency"])


def _figures(row: Any) -> dict[str, int]:
    return {name: number for name, number in row.items() if name not in _KEYS}
