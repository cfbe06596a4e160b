"""SQL of where the tickets are: pages of reporting_views.ticket_status_details."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self
from uuid import UUID

from libs.common.paging import Position
from libs.common.postgres.database import Connection

# Grain: one show. Index: events_pkey.
_HAS_SHOW = """
select exists (select from events
                where tenant_id = $1 and event_id = $2 and ($3::uuid is null or venue_id = $3))
"""

# Grain: one show after a position, by start; shows without a start come last. Index: events_by_start (of one
# venue: events_by_venue), entered at the position, so that a late page costs no more than the first.
_SHOWS = """
(select event_id, starts_at
   from events
  where tenant_id = $1 and ($2::uuid is null or venue_id = $2) and not $5::boolean
    and (starts_at, event_id) > (coalesce($3::timestamptz, '-infinity'),
                                 coalesce($4::uuid, '00000000-0000-0000-0000-000000000000'))
  order by starts_at, event_id
  limit $6)
union all
(select event_id, starts_at
   from events
  where tenant_id = $1 and ($2::uuid is null or venue_id = $2) and starts_at is null
    and event_id > case when $5::boolean then $4::uuid else '00000000-0000-0000-0000-000000000000' end
  order by event_id
  limit $6)
order by starts_at, event_id
limit $6
"""

# Grain: show and ticket type of the given shows; of the show $3 only what comes after a position. Index:
# events_pkey, and below it those of the view; comparing ids with a list is what the planner may do inside the
# view, so that no other show is looked up.
_STATUS = """
select event_id, event_name, starts_at, ticket_type_id, ticket_type_name, capacity_count, held_count,
       available_count, sold_count, refunded_count, transferred_count, listed_count, resold_count,
       scanned_count, newest_fact_at
  from reporting_views.ticket_status_details
 where tenant_id = $1 and event_id = any($2::uuid[])
   and ($3::uuid is null or event_id <> $3 or (ticket_type_name, ticket_type_id) > ($4::text, $5::uuid))
 order by starts_at, event_id, ticket_type_name, ticket_type_id
 limit $6
"""


@dataclass(frozen=True, slots=True)
class StatusRow:
    """Tickets of one show and ticket type; the zero id is no type."""

    event_id: UUID
    event_name: str | None
    starts_at: datetime | None
    ticket_type_id: UUID
    ticket_type_name: str
    capacity_count: int
    held_count: int
    available_count: int
    sold_count: int
    refunded_count: int
    transferred_count: int
    listed_count: int
    resold_count: int
    scanned_count: int
    newest_fact_at: datetime | None


class ShowPosition(NamedTuple):
    """A show in the order of shows; those without a start come last."""

    starts_at: datetime | None
    event_id: UUID


class StatusPosition(NamedTuple):
    """Where a page ends: start of the show (None sorts last), show, name of the type, type."""

    starts_at: datetime | None
    event_id: UUID
    ticket_type_name: str
    ticket_type_id: UUID

    @property
    def show(self) -> ShowPosition:
        return ShowPosition(self.starts_at, self.event_id)

    @classmethod
    def of(cls, row: StatusRow) -> Self:
        return cls(row.starts_at, row.event_id, row.ticket_type_name, row.ticket_type_id)

    @classmethod
    def read(cls, position: Position) -> Self:
        """The position in a page token of our own."""
        starts_at, event_id, name, type_id = position
        assert starts_at is None or isinstance(starts_at, datetime)
        assert isinstance(event_id, UUID)
        assert isinstance(name, str)
        assert isinstance(type_id, UUID)
        return cls(starts_at, event_id, name, type_id)


async def has_show(conn: Connection, tenant_id: UUID, event_id: UUID, venue_id: UUID | None) -> bool:
    """Whether there is such a show, at the venue if one is given."""
    return bool(await conn.fetchval(_HAS_SHOW, tenant_id, event_id, venue_id))


async def select_shows(
    conn: Connection, tenant_id: UUID, venue_id: UUID | None, after: ShowPosition | None, limit: int
) -> list[ShowPosition]:
    """The next shows after a position, of the venue or of all."""
    starts_at, event_id = (None, None) if after is None else after
    is_undated = after is not None and starts_at is None
    rows = await conn.fetch(_SHOWS, tenant_id, venue_id, starts_at, event_id, is_undated, limit)
    return [ShowPosition(row["starts_at"], row["event_id"]) for row in rows]


async def select_status(
    conn: Connection, tenant_id: UUID, event_ids: Sequence[UUID], after: StatusPosition | None, limit: int
) -> list[StatusRow]:
    """Entries of these shows after a position, by start of the show, show, name of the type, type."""
    position = (None, None, None) if after is None else after[1:]
    rows = await conn.fetch(_STATUS, tenant_id, list(event_ids), *position, limit)
    return [StatusRow(*row) for row in rows]
