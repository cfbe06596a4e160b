"""SQL of venues over time: who has something in a window, and the sums of periods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.metrics.daily.periods import DaySpan, Period

# Grain: one time zone of the chosen venues. Index: venues_by_tenant; row-level security keeps to the grant.
_ZONES = """
select distinct time_zone
  from venues
 where tenant_id = $1 and ($2::uuid is null or venue_id = $2)
"""

# Grain: one venue with a fact or a show on the days of its zone, by name. Index: venue_analytics_pkey and
# events_by_venue, one entry of each a venue. Rows of zeros are what facts leave that were taken back.
_CHOSEN = """
select venue.venue_id, coalesce(venue.name, '') as name, venue.time_zone
  from unnest($3::text[], $4::date[], $5::date[], $6::timestamptz[], $7::timestamptz[])
       as span (time_zone, first, until, starts_at, ends_at)
  join venues as venue on venue.tenant_id = $1 and venue.time_zone = span.time_zone
 where ($2::uuid is null or venue.venue_id = $2)
   and (exists (select from venue_analytics as day
                 where day.tenant_id = $1 and day.venue_id = venue.venue_id
                   and day.day >= span.first and day.day < span.until
                   and (order_count, ticket_count, refunded_ticket_count, gross_minor, refund_minor,
                        fee_minor, scanned_count, transferred_count, new_listing_count, resale_count,
                        resale_minor, royalty_minor, page_view_count, cart_count, checkout_count,
                        visitor_count)
                    is distinct from (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        or exists (select from events as show
                    where show.tenant_id = $1 and show.venue_id = venue.venue_id
                      and show.starts_at >= span.starts_at and show.starts_at < span.ends_at
                      and show.cancelled_at is null))
 order by name, venue.venue_id
 limit $8
"""

# Grain: period (by its number) and currency. Index: venue_analytics_pkey, a range a period.
_SUMS = """
select period.number, part.*
  from unnest($2::integer[], $3::uuid[], $4::date[], $5::date[]) as period (number, venue_id, first, until)
  cross join lateral (
       select currency, sum(order_count)::bigint as order_count, sum(ticket_count)::bigint as ticket_count,
              sum(refunded_ticket_count)::bigint as refunded_ticket_count,
              sum(gross_minor)::bigint as gross_minor, sum(refund_minor)::bigint as refund_minor,
              sum(fee_minor)::bigint as fee_minor, sum(scanned_count)::bigint as scanned_count,
              sum(visitor_count)::bigint as visitor_count, max(newest_fact_at) as newest_fact_at
         from venue_analytics
        where tenant_id = $1 and venue_id = period.venue_id and day >= period.first and day < period.until
        group by currency) as part
 order by period.number, part.currency
"""

# Grain: period (by its number) with shows that begin in it. Index: events_by_venue, a range a period.
_SHOWS = """
select period.number, count(*) as show_count, max(nullif(show.revised_at, 'epoch')) as newest_fact_at
  from unnest($2::integer[], $3::uuid[], $4::timestamptz[], $5::timestamptz[])
       as period (number, venue_id, starts_at, ends_at)
  join events as show on show.tenant_id = $1 and show.venue_id = period.venue_id
   and show.starts_at >= period.starts_at and show.starts_at < period.ends_at and show.cancelled_at is null
 group by period.number
"""


class ZoneSpan(NamedTuple):
    """The days that a window covers in one zone, and their edges."""

    days: DaySpan
    starts_at: datetime
    ends_at: datetime


class ChosenVenue(NamedTuple):
    """A venue to answer for; the name is empty until it was told."""

    venue_id: UUID
    name: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class PeriodSum:
    """What the days of one period add up to in one currency ('': figures without money)."""

    number: int
    currency: str
    order_count: int
    ticket_count: int
    refunded_ticket_count: int
    gross_minor: int
    refund_minor: int
    fee_minor: int
    scanned_count: int
    visitor_count: int
    newest_fact_at: datetime


class PeriodShows(NamedTuple):
    """Shows that begin in one period."""

    number: int
    show_count: int
    newest_fact_at: datetime | None


class PerformanceStore:
    """Venues of one tenant over time, inside one transaction that its venue grant limits."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def zones(self, venue_id: UUID | None) -> list[str]:
        """IANA zones of the venue, or of all that are visible."""
        rows = await self._driver.fetch(_ZONES, self._tenant_id, venue_id)
        return [row["time_zone"] for row in rows]

    async def chosen(
        self, venue_id: UUID | None, spans: Mapping[str, ZoneSpan], *, limit: int
    ) -> list[ChosenVenue]:
        """Venues with something on the days of their zone, by name."""
        rows = ((name, *span.days, span.starts_at, span.ends_at) for name, span in spans.items())
        found = await self._driver.fetch(_CHOSEN, self._tenant_id, venue_id, *columns(rows, 5), limit)
        return [ChosenVenue(*row) for row in found]

    async def sums(self, periods: Sequence[Period]) -> list[PeriodSum]:
        """Figures by place of the period and currency, ascending."""
        rows = [(at, one.venue_id, one.first, one.end) for at, one in enumerate(periods)]
        found: Sequence[Any] = await self._driver.fetch(_SUMS, self._tenant_id, *columns(rows, 4))
        return [PeriodSum(**dict(row)) for row in found]

    async def shows(self, periods: Sequence[Period]) -> list[PeriodShows]:
        """Shows by place of the period; those without any are left out."""
        rows = [(at, one.venue_id, one.starts_at, one.ends_at) for at, one in enumerate(periods)]
        found = await self._driver.fetch(_SHOWS, self._tenant_id, *columns(rows, 4))
        return [PeriodShows(*row) for row in found]
