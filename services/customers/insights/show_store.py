"""SQL of a venue's shows: their sales before the doors, their doors, and prices of their ticket types."""

from collections import defaultdict
from datetime import datetime
from typing import Final
from uuid import UUID

from libs.common.postgres.database import Connection
from services.customers.insights.facts import ListPrice, ShowDoors, ShowSales, TypeSales

# Grain: one show and whole number of days before its doors on which tickets were sold. Index:
# events_by_venue, the latest 200 past shows of 3 years and the next 50; purchases_by_event for their sales. A
# show counts that was not cancelled, has a capacity, and is known to be on sale since some time.
_SHOWS: Final = """
with chosen as (
    (select event_id, coalesce(doors_at, starts_at) as doors_at, on_sale_at,
            coalesce(genre, '') as genre, capacity
       from events
      where tenant_id = $1 and venue_id = $2 and cancelled_at is null
        and starts_at > $3::timestamptz - interval '3 years' and starts_at <= $3
      order by starts_at desc
      limit 200)
    union all
    (select event_id, coalesce(doors_at, starts_at), on_sale_at, coalesce(genre, ''), capacity
       from events
      where tenant_id = $1 and venue_id = $2 and cancelled_at is null
        and starts_at > $3 and starts_at <= $3::timestamptz + interval '91 days'
      order by starts_at
      limit 50)
), seats as (
    select event_id, sum(capacity)::integer as capacity
      from ticket_types
     where tenant_id = $1 and venue_id = $2
     group by event_id
), sold as (
    select chosen.event_id,
           greatest(floor(extract(epoch from chosen.doors_at - sale.sold_at) / 86400), 0)::integer
               as days_before,
           sum(sale.ticket_count - sale.refunded_ticket_count)::integer as ticket_count,
           min(sale.sold_at) as first_sold_at
      from chosen
      join purchases as sale
        on sale.tenant_id = $1 and sale.event_id = chosen.event_id and sale.sold_at < $3
     group by 1, 2
)
select chosen.event_id, chosen.doors_at, chosen.on_sale_at, chosen.genre,
       coalesce(chosen.capacity, seats.capacity) as capacity, sold.days_before, sold.ticket_count,
       sold.first_sold_at
  from chosen
  left join seats using (event_id)
  left join sold using (event_id)
 where coalesce(chosen.capacity, seats.capacity) > 0
"""

# Grain: one past show of the year before an instant, the latest 500. Index: events_by_venue,
# purchases_by_event, admissions_by_order. Only admissions on orders that count among the tickets are counted.
_DOORS: Final = """
with chosen as (
    select event_id, starts_at
      from events
     where tenant_id = $1 and venue_id = $2 and cancelled_at is null
       and starts_at > $3::timestamptz - interval '1 year' and starts_at < $3
     order by starts_at desc
     limit 500
), bought as (
    select chosen.event_id, chosen.starts_at, sale.order_id,
           sum(sale.ticket_count - sale.refunded_ticket_count)::integer as ticket_count
      from chosen
      join purchases as sale on sale.tenant_id = $1 and sale.event_id = chosen.event_id
     group by 1, 2, 3
), counted as (
    select bought.event_id, bought.starts_at, bought.ticket_count,
           (select count(*)
              from admissions as admitted
             where admitted.tenant_id = $1 and admitted.order_id = bought.order_id
               and admitted.event_id = bought.event_id) as admitted_count
      from bought
)
select event_id, (starts_at at time zone $4)::date as day, sum(ticket_count)::bigint as ticket_count,
       sum(least(admitted_count, ticket_count))::bigint as admitted_count
  from counted
 group by event_id, starts_at
having sum(ticket_count) > 0
"""

# Grain: one show, ticket type, local day and unit price, of shows that had not taken place 4 weeks before an
# instant, and of 6 weeks of sales. Index: events_by_venue (the next 100), purchases_by_event, orders_pkey.
_TYPE_SALES: Final = """
with chosen as (
    select event_id
      from events
     where tenant_id = $1 and venue_id = $2 and cancelled_at is null
       and starts_at > $3::timestamptz - interval '28 days'
     order by starts_at
     limit 100
)
select sale.event_id, type.ticket_type_id, (sale.sold_at at time zone $4)::date as day,
       (line.terms ->> 1)::bigint as unit_minor, sum((line.terms ->> 0)::integer)::integer as ticket_count
  from chosen
  join purchases as sale
    on sale.tenant_id = $1 and sale.event_id = chosen.event_id and sale.order_count = 1
   and sale.sold_at >= $3::timestamptz - interval '43 days' and sale.sold_at < $3
  join orders as told on told.tenant_id = $1 and told.order_id = sale.order_id
  cross join lateral jsonb_array_elements(told.lines) as line (terms)
  join ticket_types as type
    on type.tenant_id = $1 and type.ticket_type_id = (line.terms ->> 2)::uuid
   and type.event_id = sale.event_id and type.currency = sale.currency
 group by 1, 2, 3, 4
"""

# Grain: one ticket type. Index: ticket_types_pkey.
_LIST_PRICES: Final = """
select ticket_type_id, price_minor, (revised_at at time zone $3)::date as since
  from ticket_types
 where tenant_id = $1 and ticket_type_id = any($2::uuid[])
"""


async def select_shows(conn: Connection, tenant_id: UUID, venue_id: UUID, until: datetime) -> list[ShowSales]:
    """Past and coming shows, and their sales before an instant."""
    rows = await conn.fetch(_SHOWS, tenant_id, venue_id, until)
    sold: defaultdict[UUID, dict[int, int]] = defaultdict(dict)
    began: dict[UUID, datetime] = {}
    for row in rows:
        event_id = row["event_id"]
        starts = [row["on_sale_at"], row["first_sold_at"], began.get(event_id)]
        known = min((instant for instant in starts if instant is not None), default=None)
        if known is not None:
            began[event_id] = known
        if row["days_before"] is not None:
            sold[event_id][row["days_before"]] = row["ticket_count"]
    shows = {
        row["event_id"]: (row["doors_at"], row["genre"].casefold(), row["capacity"])
        for row in rows
        if row["event_id"] in began
    }
    return [
        ShowSales(event_id, doors_at, began[event_id], genre, capacity, sold[event_id])
        for event_id, (doors_at, genre, capacity) in shows.items()
    ]


async def select_doors(
    conn: Connection, tenant_id: UUID, venue_id: UUID, until: datetime, time_zone: str
) -> list[ShowDoors]:
    """Tickets and admissions of the shows of the year before an instant."""
    rows = await conn.fetch(_DOORS, tenant_id, venue_id, until, time_zone)
    return [ShowDoors(*row) for row in rows]


async def select_type_sales(
    conn: Connection, tenant_id: UUID, venue_id: UUID, until: datetime, time_zone: str
) -> list[TypeSales]:
    """Sales by ticket type, day and price of the 6 weeks before an instant."""
    rows = await conn.fetch(_TYPE_SALES, tenant_id, venue_id, until, time_zone)
    return [TypeSales(*row) for row in rows]


async def select_list_prices(
    conn: Connection, tenant_id: UUID, ticket_type_ids: list[UUID], time_zone: str
) -> dict[UUID, ListPrice]:
    """Present prices of ticket types."""
    rows = await conn.fetch(_LIST_PRICES, tenant_id, ticket_type_ids, time_zone)
    return {row["ticket_type_id"]: ListPrice(row["price_minor"], row["since"]) for row in rows}
