"""Use case: the boards of a venue's doors as they stand this moment."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from libs.common.catalog.venues import Venues
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.metrics.doors.figures import Board, Gate, Minute, filled, shown_minutes
from services.metrics.doors.store import (
    MOST_SHOWS,
    GateRow,
    HouseRow,
    MinuteRow,
    ShowRow,
    select_gates,
    select_houses,
    select_minutes,
    select_show,
    select_shows_near,
)
from services.metrics.errors import EventNotFound, TooManyEvents

_OPENING_WITHIN: Final = timedelta(hours=6)
_OPENED_WITHIN: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Boards:
    """Boards by doors time, as they stand at `now`."""

    boards: tuple[Board, ...]
    now: datetime
    as_of: datetime | None


class Doors:
    """Boards of tenants' doors. They change with the clock, so no answer is kept: each reads a few rows."""

    def __init__(
        self, database: Database, venues: Venues, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._venues = venues
        self._now = now

    async def boards(self, scope: TenantScope, venue_id: UUID, event_id: UUID | None) -> Boards:
        """The board of one show, or of every show of the venue whose doors are near.

        Raises:
            VenueNotFound: The scope has no such venue.
            EventNotFound: The venue has no such show.
            TooManyEvents: More doors are near than one answer holds.
        """
        await self._venues.require(scope, [venue_id])
        now, tenant_id = self._now(), scope.tenant_id
        starts = shown_minutes(now)
        async with self._database.transaction(scope) as conn:
            shows = await self._shows(conn, tenant_id, venue_id, event_id, now)
            event_ids = [show.event_id for show in shows]
            houses = await select_houses(conn, tenant_id, event_ids)
            gates = await select_gates(conn, tenant_id, event_ids)
            minutes = await select_minutes(conn, tenant_id, event_ids, starts[0], starts[-1])
        gates_of = _gates_of(gates, minutes, starts)
        facts = [*(house.newest_fact_at for house in houses.values()), *(gate.last_scan_at for gate in gates)]
        return Boards(
            boards=tuple(_board(show, houses[show.event_id], gates_of[show.event_id]) for show in shows),
            now=now,
            as_of=max((fact for fact in facts if fact is not None), default=None),
        )

    @staticmethod
    async def _shows(
        conn: Connection, tenant_id: UUID, venue_id: UUID, event_id: UUID | None, now: datetime
    ) -> list[ShowRow]:
        if event_id is not None:
            show = await select_show(conn, tenant_id, venue_id, event_id)
            if show is None:
                raise EventNotFound("the venue has no such event", event_id=event_id)
            return [show]
        shows = await select_shows_near(
            conn, tenant_id, venue_id, now - _OPENED_WITHIN, now + _OPENING_WITHIN
        )
        if len(shows) > MOST_SHOWS:
            raise TooManyEvents("too many doors are near: name one event", limit=MOST_SHOWS)
        return shows


def _gates_of(
    gates: Sequence[GateRow], minutes: Sequence[MinuteRow], starts: Sequence[datetime]
) -> defaultdict[UUID, list[Gate]]:
    counted: defaultdict[tuple[UUID, str], list[Minute]] = defaultdict(list)
    for row in minutes:
        counted[row.event_id, row.gate].append(Minute(row.start, row.admitted_count, row.refused_count))
    of_show: defaultdict[UUID, list[Gate]] = defaultdict(list)
    for gate in gates:
        last = filled(starts, counted[gate.event_id, gate.name])
        of_show[gate.event_id].append(
            Gate(gate.name, gate.admitted_count, gate.refused_count, gate.last_scan_at, last)
        )
    return of_show


def _board(show: ShowRow, house: HouseRow, gates: Sequence[Gate]) -> Board:
    return Board(
        event_id=show.event_id,
        name=show.name,
        doors_at=show.doors_at,
        starts_at=show.starts_at,
        sold_count=house.sold_count,
        admitted_count=house.admitted_count,
        inside_count=house.inside_count,
        gates=tuple(gates),
    )
