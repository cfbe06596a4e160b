"""SQL of where the tickets are: pages of reporting_views.ticket_status_details."""

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

# Grain: show and ticket type, after a position. Shows come from events_by_start (events_by_venue for one
# venue, events_pkey for one show) and are looked up only until the page is full; the first condition on the
# start leaves out the shows before the position without looking them up. Shows without a start come last.
_PAGE = """
select event_id, event_name, starts_at, ticket_type_id, ticket_type_name, capacity_count, held_count,
       available_count, sold_count, refunded_count, transferred_count, listed_count, resold_count,
       scanned_count, newest_fact_at
  from reporting_views.ticket_status_details
 where tenant_id = $1 and ($2::uuid is null or venue_id = $2) and ($3::uuid is null or event_id = $3)
   and ($5::uuid is null or starts_at is null or starts_at >= $4)
   and ($5::uuid is null
        or starts_at > $4
        or (starts_at is null and $4::timestamptz is not null)
        or (starts_at is not distinct from $4::timestamptz
            and (event_id, ticket_type_name, ticket_type_id) > ($5, $6::text, $7::uuid)))
 order by starts_at, event_id, ticket_type_name, ticket_type_id
 limit $8
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


class StatusFilter(NamedTuple):
    """Whose tickets to count; None: all."""

    venue_id: UUID | None
    event_id: UUID | None


class StatusPosition(NamedTuple):
    """Where a page ends: start of the show (None sorts last), show, name of the type, type."""

    starts_at: datetime | None
    event_id: UUID
    ticket_type_name: str
    ticket_type_id: UUID

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


async def select_page(
    conn: Connection,
    tenant_id: UUID,
    only: StatusFilter,
    after: StatusPosition | None,
    limit: int,
) -> list[StatusRow]:
    """Rows after a position, by start of the show, show, name of the type, type."""
    position = (None, None, None, None) if after is None else after
    rows = await conn.fetch(_PAGE, tenant_id, *only, *position, limit)
    return [StatusRow(*row) for row in rows]
