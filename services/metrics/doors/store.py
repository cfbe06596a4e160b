"""SQL of the doors board: shows near their doors, their gates, and the gates' last minutes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from libs.common.postgres.database import Connection

MOST_SHOWS: Final = 100

# Grain: one show. Index: events_pkey.
_SHOW = """
select event_id, name, doors_at, starts_at
  from events
 where tenant_id = $1 and venue_id = $2 and event_id = $3
"""

# Grain: one show whose doors open or opened near now. Index: events_by_doors. Reads one row more than is
# answered.
_SHOWS_NEAR = """
select event_id, name, doors_at, starts_at
  from events
 where tenant_id = $1 and venue_id = $2 and cancelled_at is null
   and coalesce(doors_at, starts_at) >= $3 and coalesce(doors_at, starts_at) <= $4
 order by coalesce(doors_at, starts_at), event_id
 limit $5
"""

# Grain: one show. Tickets that were sold without their show count for the show of their type. Indexes:
# ticket_counts_pkey, ticket_types_by_event, ticket_status_counts_pkey; a few rows a show, one a ticket type.
_HOUSES = """
select show.event_id, coalesce(sold.sold_count, 0)::bigint as sold_count,
       coalesce(came.admitted_count, 0)::bigint as admitted_count,
       coalesce(came.inside_count, 0)::bigint as inside_count,
       greatest(sold.newest_fact_at, came.newest_fact_at) as newest_fact_at
  from unnest($2::uuid[]) as show (event_id)
  left join lateral (
       select sum(sold_count - refunded_count) as sold_count, max(newest_fact_at) as newest_fact_at
         from (select sold_count, refunded_count, newest_fact_at
                 from ticket_counts
                where tenant_id = $1 and event_id = show.event_id
               union all
               select count.sold_count, count.refunded_count, count.newest_fact_at
                 from ticket_types as type
                 join ticket_counts as count
                   on count.tenant_id = $1 and count.event_id = '00000000-0000-0000-0000-000000000000'
                  and count.ticket_type_id = type.ticket_type_id
                where type.tenant_id = $1 and type.event_id = show.event_id) as part) as sold on true
  left join lateral (
       select sum(admitted_count) as admitted_count, sum(inside_count) as inside_count,
              max(newest_fact_at) as newest_fact_at
         from ticket_status_counts
        where tenant_id = $1 and event_id = show.event_id) as came on true
"""

# Grain: gate of a show, by name. Index: gates_pkey. Rows that only a restated admission left behind are none.
_GATES = """
select event_id, gate, sum(admitted_count)::bigint as admitted_count,
       sum(refused_count)::bigint as refused_count, max(last_scan_at) as last_scan_at
  from gates
 where tenant_id = $1 and event_id = any($2::uuid[])
 group by event_id, gate
having sum(admitted_count) <> 0 or sum(refused_count) <> 0 or max(last_scan_at) is not null
 order by event_id, gate
"""

# Grain: minute of a gate. Index: gate_minutes_pkey, on the partitions of the last half hour alone.
_MINUTES = """
select event_id, gate, minute_start, sum(admitted_count)::bigint as admitted_count,
       sum(refused_count)::bigint as refused_count
  from gate_minutes
 where tenant_id = $1 and event_id = any($2::uuid[]) and minute_start >= $3 and minute_start <= $4
 group by event_id, gate, minute_start
"""


@dataclass(frozen=True, slots=True)
class ShowRow:
    """A show; name, doors and start are None where the platform has not told."""

    event_id: UUID
    name: str | None
    doors_at: datetime | None
    starts_at: datetime | None


class HouseRow(NamedTuple):
    """Tickets of a show: sold and not returned, admitted at least once, inside now."""

    sold_count: int
    admitted_count: int
    inside_count: int
    newest_fact_at: datetime | None


class GateRow(NamedTuple):
    """One gate of a show."""

    event_id: UUID
    name: str
    admitted_count: int
    refused_count: int
    last_scan_at: datetime | None


class MinuteRow(NamedTuple):
    """One minute of a gate."""

    event_id: UUID
    gate: str
    start: datetime
    admitted_count: int
    refused_count: int


async def select_show(conn: Connection, tenant_id: UUID, venue_id: UUID, event_id: UUID) -> ShowRow | None:
    """The show, if the venue has it."""
    row = await conn.fetchrow(_SHOW, tenant_id, venue_id, event_id)
    return None if row is None else ShowRow(*row)


async def select_shows_near(
    conn: Connection, tenant_id: UUID, venue_id: UUID, since: datetime, until: datetime
) -> list[ShowRow]:
    """Shows whose doors open between two instants, by that time; at most MOST_SHOWS + 1."""
    rows = await conn.fetch(_SHOWS_NEAR, tenant_id, venue_id, since, until, MOST_SHOWS + 1)
    return [ShowRow(*row) for row in rows]


async def select_houses(conn: Connection, tenant_id: UUID, event_ids: Sequence[UUID]) -> dict[UUID, HouseRow]:
    """Tickets of each of the shows."""
    rows = await conn.fetch(_HOUSES, tenant_id, list(event_ids))
    return {row["event_id"]: HouseRow(*tuple(row)[1:]) for row in rows}


async def select_gates(conn: Connection, tenant_id: UUID, event_ids: Sequence[UUID]) -> list[GateRow]:
    """Gates of the shows, by show and name."""
    return [GateRow(*row) for row in await conn.fetch(_GATES, tenant_id, list(event_ids))]


async def select_minutes(
    conn: Connection, tenant_id: UUID, event_ids: Sequence[UUID], first: datetime, last: datetime
) -> list[MinuteRow]:
    """Minutes of the shows' gates in which anything was counted."""
    rows = await conn.fetch(_MINUTES, tenant_id, list(event_ids), first, last)
    return [MinuteRow(*row) for row in rows]
