"""Use case: prove that the daily tables are what the facts come to, and repair where they are not."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.metrics.daily.check_store import CheckedVenue, CheckStore
from services.metrics.daily.comparing import Differences, differences
from services.metrics.daily.days import after_month, day_of
from services.metrics.daily.locks import lock_alone
from services.metrics.daily.metering import CHECKED, DIFFERENCES
from services.metrics.daily.reach import months_of
from services.metrics.daily.rewriting import Piece, compute, rewrite
from services.metrics.daily.schedule import CHECK_ID
from services.metrics.daily.sources import Sources
from services.metrics.daily.store import DayStore, zones_of
from services.metrics.daily.visitors import VisitorStore

RECENT: Final = timedelta(days=92)
OLD_EVERY: Final = timedelta(days=28)
_VISITORS_A_ROUND: Final = 10_000
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_log = structlog.get_logger(__name__)


class CheckedMonth(NamedTuple):
    """A month of a venue that was compared; `place` of `total` months of its tenant that were due."""

    venue_id: UUID
    month: date
    repaired_row_count: int
    place: int
    total: int


class DailyCheck:
    """Compares the daily tables with the facts, a venue and month at a time.

    A month is due when it was not compared since `due_at` and either reaches into the last 92 days or was not
    compared for 28: old months change only by damage. What was compared is remembered with its commit, so a
    check that was cut short goes on where it stopped.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(
        self, scope: TenantScope, *, due_at: datetime, whole: bool = False
    ) -> AsyncIterator[CheckedMonth]:
        """Compare and repair what is due; yields each month when it is done.

        Args:
            scope: The tenant; every venue.
            due_at: When the check was meant to be: months compared since are left out.
            whole: Old months, too, whenever they were compared.
        """
        due = await self._due(scope, due_at, whole=whole)
        for place, (venue_id, month) in enumerate(due, start=1):
            repaired = await self._check(scope, venue_id, month, due_at)
            yield CheckedMonth(venue_id, month, repaired, place, len(due))

    async def _due(self, scope: TenantScope, due_at: datetime, *, whole: bool) -> list[tuple[UUID, date]]:
        due = []
        async with self._database.transaction(scope) as conn:
            venues = await CheckStore(conn, scope.tenant_id).venues()
        for venue in venues:
            await self._forget_visitors(scope, venue)
            async with self._database.transaction(scope) as conn:
                months_due = await _months_due(conn, scope.tenant_id, venue, due_at, whole=whole)
            due += [(venue.venue_id, month) for month in months_due]
        return due

    async def _forget_visitors(self, scope: TenantScope, venue: CheckedVenue) -> None:
        """Drop the visitors of days whose visits retention has dropped: their numbers stay."""
        deleted = _VISITORS_A_ROUND
        while deleted == _VISITORS_A_ROUND:
            async with self._database.transaction(scope) as conn:
                since = await Sources(conn, scope.tenant_id, venue.venue_id).visits_kept_since()
                before = day_of(since, ZoneInfo(venue.time_zone))
                visitors = VisitorStore(conn, scope.tenant_id, venue.venue_id)
                deleted = await visitors.forget(before, limit=_VISITORS_A_ROUND)

    async def _check(self, scope: TenantScope, venue_id: UUID, month: date, due_at: datetime) -> int:
        """How many rows of the month had to be repaired.

        Looked at without the lock first, so that writers wait only where there seems to be something to
        repair: what they commit between two readings looks like a difference, and is gone under the lock.
        """
        async with self._database.transaction(scope) as conn:
            piece = await _piece(conn, scope.tenant_id, venue_id, month)
            found = (await _compare(conn, scope.tenant_id, piece)).count
            if not found:
                await CheckStore(conn, scope.tenant_id).remember(venue_id, month, due_at, 0)
        if found:
            found = await self._repair(scope, venue_id, month, due_at)
        CHECKED.inc()
        return found

    async def _repair(self, scope: TenantScope, venue_id: UUID, month: date, due_at: datetime) -> int:
        async with self._database.transaction(scope) as conn:
            await lock_alone(conn, scope.tenant_id, CHECK_ID)
            piece = await _piece(conn, scope.tenant_id, venue_id, month)
            wrong = await _compare(conn, scope.tenant_id, piece)
            if wrong.count:
                await rewrite(conn, scope.tenant_id, piece)
            await CheckStore(conn, scope.tenant_id).remember(venue_id, month, due_at, wrong.count)
        for table, count in wrong.by_table().items():
            DIFFERENCES.labels(table).inc(count)
        if wrong.count:
            _log.error(
                "days differed from their facts and were repaired",
                tenant_id=str(scope.tenant_id),
                venue_id=str(venue_id),
                month=month.isoformat(),
                **wrong.by_table(),
            )
        return wrong.count


async def _months_due(
    conn: Connection, tenant_id: UUID, venue: CheckedVenue, due_at: datetime, *, whole: bool
) -> list[date]:
    checked = await CheckStore(conn, tenant_id).checked(venue.venue_id)
    long_ago = due_at - OLD_EVERY
    recent = (due_at - RECENT).date()
    found = months_of(conn, tenant_id, venue.venue_id, ZoneInfo(venue.time_zone))
    return [
        month
        async for month in found
        if (last := checked.get(month, _NEVER)) < due_at
        and (whole or after_month(month) > recent or last <= long_ago)
    ]


async def _piece(conn: Connection, tenant_id: UUID, venue_id: UUID, month: date) -> Piece:
    zones = await zones_of(conn, tenant_id, [venue_id])
    return Piece.of_month(venue_id, ZoneInfo(zones[venue_id]), month)


async def _compare(conn: Connection, tenant_id: UUID, piece: Piece) -> Differences:
    standing = await DayStore(conn, tenant_id).read(piece.venue_id, piece.first, piece.end)
    computed = await compute(conn, tenant_id, piece, standing)
    wrong_visitors = 0
    if computed.visit_days:
        wrong_visitors = await VisitorStore(conn, tenant_id, piece.venue_id).count_different(
            computed.visit_days, computed.visit_edges, piece.end
        )
    return differences(standing, computed.totals, wrong_visitors)
