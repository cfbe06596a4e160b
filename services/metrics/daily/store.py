"""SQL of the daily tables: what facts add, and rows that are read and rewritten as a whole."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.metrics.daily.figures import EVENT_FIGURES, VENUE_FIGURES, DayTotals, EventDay, Row, VenueDay

# Grain: venue, day and currency. Index: venue_analytics_pkey. Sorted by the key, so that two transactions
# that add to the same rows wait in one order.
_ADD_VENUE_DAYS = """
insert into venue_analytics as kept (
       tenant_id, venue_id, day, currency, newest_fact_at, order_count, ticket_count, refunded_ticket_count,
       gross_minor, refund_minor, fee_minor, scanned_count, transferred_count, new_listing_count,
       resale_count, resale_minor, royalty_minor, page_view_count, cart_count, checkout_count, visitor_count)
select $1, venue_id, day, currency, newest_fact_at, order_count, ticket_count, refunded_ticket_count,
       gross_minor, refund_minor, fee_minor, scanned_count, transferred_count, new_listing_count,
       resale_count, resale_minor, royalty_minor, page_view_count, cart_count, checkout_count, visitor_count
  from unnest($2::uuid[], $3::date[], $4::text[], $5::timestamptz[], $6::bigint[], $7::bigint[],
              $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
              $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[],
              $20::bigint[], $21::bigint[])
       as new (venue_id, day, currency, newest_fact_at, order_count, ticket_count, refunded_ticket_count,
               gross_minor, refund_minor, fee_minor, scanned_count, transferred_count, new_listing_count,
               resale_count, resale_minor, royalty_minor, page_view_count, cart_count, checkout_count,
               visitor_count)
 order by venue_id, day, currency
on conflict (tenant_id, venue_id, day, currency) do update
   set newest_fact_at = greatest(kept.newest_fact_at, excluded.newest_fact_at),
       order_count = kept.order_count + excluded.order_count,
       ticket_count = kept.ticket_count + excluded.ticket_count,
       refunded_ticket_count = kept.refunded_ticket_count + excluded.refunded_ticket_count,
       gross_minor = kept.gross_minor + excluded.gross_minor,
       refund_minor = kept.refund_minor + excluded.refund_minor,
       fee_minor = kept.fee_minor + excluded.fee_minor,
       scanned_count = kept.scanned_count + excluded.scanned_count,
       transferred_count = kept.transferred_count + excluded.transferred_count,
       new_listing_count = kept.new_listing_count + excluded.new_listing_count,
       resale_count = kept.resale_count + excluded.resale_count,
       resale_minor = kept.resale_minor + excluded.resale_minor,
       royalty_minor = kept.royalty_minor + excluded.royalty_minor,
       page_view_count = kept.page_view_count + excluded.page_view_count,
       cart_count = kept.cart_count + excluded.cart_count,
       checkout_count = kept.checkout_count + excluded.checkout_count,
       visitor_count = kept.visitor_count + excluded.visitor_count
"""

# Grain: show, venue, day and currency. Index: event_analytics_pkey. Sorted as above.
_ADD_EVENT_DAYS = """
insert into event_analytics as kept (
       tenant_id, event_id, venue_id, day, currency, newest_fact_at, order_count, ticket_count,
       refunded_ticket_count, gross_minor, refund_minor, fee_minor, scanned_count, transferred_count,
       new_listing_count, resale_count, resale_minor, royalty_minor, page_view_count, cart_count,
       checkout_count)
select $1, event_id, venue_id, day, currency, newest_fact_at, order_count, ticket_count,
       refunded_ticket_count, gross_minor, refund_minor, fee_minor, scanned_count, transferred_count,
       new_listing_count, resale_count, resale_minor, royalty_minor, page_view_count, cart_count,
       checkout_count
  from unnest($2::uuid[], $3::uuid[], $4::date[], $5::text[], $6::timestamptz[], $7::bigint[],
              $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
              $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[],
              $20::bigint[], $21::bigint[])
       as new (event_id, venue_id, day, currency, newest_fact_at, order_count, ticket_count,
               refunded_ticket_count, gross_minor, refund_minor, fee_minor, scanned_count, transferred_count,
               new_listing_count, resale_count, resale_minor, royalty_minor, page_view_count, cart_count,
               checkout_count)
 order by event_id, venue_id, day, currency
on conflict (tenant_id, event_id, venue_id, day, currency) do update
   set newest_fact_at = greatest(kept.newest_fact_at, excluded.newest_fact_at),
       order_count = kept.order_count + excluded.order_count,
       ticket_count = kept.ticket_count + excluded.ticket_count,
       refunded_ticket_count = kept.refunded_ticket_count + excluded.refunded_ticket_count,
       gross_minor = kept.gross_minor + excluded.gross_minor,
       refund_minor = kept.refund_minor + excluded.refund_minor,
       fee_minor = kept.fee_minor + excluded.fee_minor,
       scanned_count = kept.scanned_count + excluded.scanned_count,
       transferred_count = kept.transferred_count + excluded.transferred_count,
       new_listing_count = kept.new_listing_count + excluded.new_listing_count,
       resale_count = kept.resale_count + excluded.resale_count,
       resale_minor = kept.resale_minor + excluded.resale_minor,
       royalty_minor = kept.royalty_minor + excluded.royalty_minor,
       page_view_count = kept.page_view_count + excluded.page_view_count,
       cart_count = kept.cart_count + excluded.cart_count,
       checkout_count = kept.checkout_count + excluded.checkout_count
"""

# Grain: session seen at a venue on a day. Index: visitor_days_pkey. Gives back what was not known, so that
# each session adds one to its day, on whichever replica its events arrive. Sorted as above.
_ADD_VISITORS = """
insert into visitor_days (tenant_id, venue_id, day, session_id)
select $1, venue_id, day, session_id
  from unnest($2::uuid[], $3::date[], $4::text[]) as new (venue_id, day, session_id)
 order by venue_id, day, session_id
on conflict (tenant_id, venue_id, day, session_id) do nothing
returning venue_id, day
"""

# Grain: venue, day and currency of one venue and a span of days. Index: venue_analytics_pkey.
_VENUE_DAYS = """
select venue_id, day, currency, newest_fact_at, order_count, ticket_count, refunded_ticket_count,
       gross_minor, refund_minor, fee_minor, scanned_count, transferred_count, new_listing_count,
       resale_count, resale_minor, royalty_minor, page_view_count, cart_count, checkout_count, visitor_count
  from venue_analytics
 where tenant_id = $1 and venue_id = $2 and day >= $3 and day < $4
"""
# Grain: show, day and currency of one venue and a span of days. Index: event_analytics_by_venue.
_EVENT_DAYS = """
select event_id, venue_id, day, currency, newest_fact_at, order_count, ticket_count, refunded_ticket_count,
       gross_minor, refund_minor, fee_minor, scanned_count, transferred_count, new_listing_count,
       resale_count, resale_minor, royalty_minor, page_view_count, cart_count, checkout_count
  from event_analytics
 where tenant_id = $1 and venue_id = $2 and day >= $3 and day < $4
"""

# Grain: rows of one venue and a span of days, before they are written anew. Indexes as for reading them.
_CLEAR_VENUE_DAYS = """
delete from venue_analytics where tenant_id = $1 and venue_id = $2 and day >= $3 and day < $4
"""
_CLEAR_EVENT_DAYS = """
delete from event_analytics where tenant_id = $1 and venue_id = $2 and day >= $3 and day < $4
"""
_CLEAR_VISITORS = """
delete from visitor_days where tenant_id = $1 and venue_id = $2 and day >= $3 and day < $4
"""

# Grain: one venue. Index: venues_by_tenant.
_ZONES = """
select venue_id, time_zone
  from venues
 where tenant_id = $1 and venue_id = any($2::uuid[])
"""


async def zones_of(conn: Connection, tenant_id: UUID, venue_ids: Collection[UUID]) -> dict[UUID, str]:
    """IANA zone by venue, as this transaction sees it."""
    if not venue_ids:
        return {}
    rows = await conn.fetch(_ZONES, tenant_id, list(venue_ids))
    return {row["venue_id"]: row["time_zone"] for row in rows}


class DayStore:
    """The daily tables of one tenant inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def add(self, totals: DayTotals) -> None:
        """Add figures to rows, which are made where they do not exist."""
        if totals.venues:
            venues = ((*key, row.newest_fact_at, *row.figures) for key, row in totals.venues.items())
            await self._driver.execute(_ADD_VENUE_DAYS, self._tenant_id, *columns(venues, 20))
        if totals.events:
            events = ((*key, row.newest_fact_at, *row.figures) for key, row in totals.events.items())
            await self._driver.execute(_ADD_EVENT_DAYS, self._tenant_id, *columns(events, 20))

    async def add_visitors(self, visits: Iterable[tuple[UUID, date, str]]) -> list[tuple[UUID, date]]:
        """Remember sessions by venue and day; returns venue and day of each that was not known."""
        rows = set(visits)
        if not rows:
            return []
        new = await self._driver.fetch(_ADD_VISITORS, self._tenant_id, *columns(rows, 3))
        return [(row["venue_id"], row["day"]) for row in new]

    async def read(self, venue_id: UUID, first: date, end: date) -> DayTotals:
        """The rows of a venue's days as they stand."""
        totals = DayTotals()
        span = (self._tenant_id, venue_id, first, end)
        for row in await self._driver.fetch(_VENUE_DAYS, *span):
            totals.venues[VenueDay(row["venue_id"], row["day"], row["currency"])] = _row(row, VENUE_FIGURES)
        for row in await self._driver.fetch(_EVENT_DAYS, *span):
            key = EventDay(row["event_id"], row["venue_id"], row["day"], row["currency"])
            totals.events[key] = _row(row, EVENT_FIGURES)
        return totals

    async def clear(self, venue_id: UUID, first: date, end: date) -> None:
        """Delete the rows of a venue's days."""
        for statement in (_CLEAR_VENUE_DAYS, _CLEAR_EVENT_DAYS):
            await self._driver.execute(statement, self._tenant_id, venue_id, first, end)

    async def clear_visitors(self, venue_id: UUID, first: date, end: date) -> None:
        """Delete the visitors of a venue's days."""
        await self._driver.execute(_CLEAR_VISITORS, self._tenant_id, venue_id, first, end)


def _row(row: Mapping[str, Any], names: Iterable[str]) -> Row:
    return Row(tuple(row[name] for name in names), row["newest_fact_at"])
