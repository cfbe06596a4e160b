"""Use case: the seats of a venue's shows."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from libs.common.buckets import Window
from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.metrics.capacity.figures import EventSeats, Seats, TicketTypeSeats, event_seats, sum_of
from services.metrics.capacity.store import (
    MOST_EVENTS,
    DatedEvents,
    EventRow,
    TicketTypeRow,
    select_event,
    select_events,
    select_open_events,
    select_opening_events,
    select_starting_events,
    select_ticket_types,
)
from services.metrics.errors import EventNotFound, TooManyEvents


@dataclass(frozen=True, slots=True)
class CapacityReport:
    """Seats of shows by start time, and together."""

    events: tuple[EventSeats, ...]
    totals: Seats
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class DatedSeats:
    """Seats of the first shows of a span of time, in its order, and how many shows it has."""

    events: tuple[EventSeats, ...]
    total_count: int
    as_of: datetime | None


class Capacity:
    """Seats of tenants' venues, from ticket type and order facts."""

    def __init__(
        self, database: Database, venues: Venues, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._venues = venues
        self._now = now

    async def report(self, scope: TenantScope, venue_id: UUID, event_id: UUID | None) -> CapacityReport:
        """Seats of one show, or of every show of the venue that is neither cancelled nor over.

        Raises:
            VenueNotFound: The scope has no such venue.
            EventNotFound: The venue has no such show.
            TooManyEvents: More shows are to come than one answer holds.
        """
        await self._venues.require(scope, [venue_id])
        async with self._database.transaction(scope) as conn:
            events = await self._events(conn, scope.tenant_id, venue_id, event_id)
            types = await select_ticket_types(conn, scope.tenant_id, [event.event_id for event in events])
        seats = _seats_of(events, types)
        return CapacityReport(
            events=seats,
            totals=sum_of(each.seats for each in seats),
            as_of=_newest([*events, *types]),
        )

    async def seats_in(
        self, conn: Connection, tenant_id: UUID, event_ids: Sequence[UUID]
    ) -> dict[UUID, EventSeats]:
        """Seats of the given shows that an open transaction of the tenant sees, by show."""
        events = await select_events(conn, tenant_id, event_ids)
        types = await select_ticket_types(conn, tenant_id, [event.event_id for event in events])
        return {seats.event_id: seats for seats in _seats_of(events, types)}

    async def opening_in(
        self, conn: Connection, tenant_id: UUID, venue_id: UUID | None, span: Window
    ) -> DatedSeats:
        """Seats of shows whose doors open within a span and that are not cancelled, the first 100.

        Args:
            conn: A transaction of the tenant; its venue grant limits the answer.
            tenant_id: The tenant.
            venue_id: Only this venue, or None for all that the transaction sees.
            span: When doors open; the start, where no doors time is known.
        """
        found = await select_opening_events(conn, tenant_id, venue_id, span)
        return await self._dated_in(conn, tenant_id, found)

    async def starting_in(
        self, conn: Connection, tenant_id: UUID, venue_id: UUID | None, span: Window
    ) -> DatedSeats:
        """The same of shows that begin within a span."""
        found = await select_starting_events(conn, tenant_id, venue_id, span)
        return await self._dated_in(conn, tenant_id, found)

    async def _dated_in(self, conn: Connection, tenant_id: UUID, found: DatedEvents) -> DatedSeats:
        types = await select_ticket_types(conn, tenant_id, [event.event_id for event in found.events])
        return DatedSeats(
            events=_seats_of(found.events, types),
            total_count=found.total_count,
            as_of=_newest([*found.events, *types]),
        )

    async def _events(
        self, conn: Connection, tenant_id: UUID, venue_id: UUID, event_id: UUID | None
    ) -> list[EventRow]:
        if event_id is not None:
            event = await select_event(conn, tenant_id, venue_id, event_id)
            if event is None:
                raise EventNotFound("the venue has no such event", event_id=event_id)
            return [event]
        events = await select_open_events(conn, tenant_id, venue_id, self._now())
        if len(events) > MOST_EVENTS:
            raise TooManyEvents("the venue has too many events to come: name one", limit=MOST_EVENTS)
        return events


def _seats_of(events: Sequence[EventRow], types: Sequence[TicketTypeRow]) -> tuple[EventSeats, ...]:
    by_event: defaultdict[UUID, list[TicketTypeSeats]] = defaultdict(list)
    for row in types:
        seats = Seats(row.capacity, row.held, row.sold)
        by_event[row.event_id].append(TicketTypeSeats(row.ticket_type_id, row.name or "", seats))
    return tuple(
        EventSeats(
            event_id=event.event_id,
            name=event.name or "",
            starts_at=event.starts_at,
            seats=event_seats(event.capacity, by_event[event.event_id]),
            ticket_types=tuple(by_event[event.event_id]),
        )
        for event in events
    )


def _newest(rows: Sequence[EventRow | TicketTypeRow]) -> datetime | None:
    return max((row.newest_fact_at for row in rows if row.newest_fact_at is not None), default=None)
