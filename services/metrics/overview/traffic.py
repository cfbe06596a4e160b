"""Use case: visitors and conversion of a window beside those of another one, as far as visits are kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.postgres.database import Connection
from services.metrics.overview.comparisons import ComparedCount, ComparedRatio
from services.metrics.overview.windows import Windows
from services.metrics.visits.reader import UniqueSessions, VisitReader


@dataclass(frozen=True, slots=True)
class ComparedTraffic:
    """Unique sessions, and the part of them that ordered; None where the window's visits are not all kept."""

    visitors: ComparedCount | None
    conversion: ComparedRatio | None
    as_of: datetime | None


class Traffic:
    """Sessions of tenants.

    Args:
        visits: What sessions add up to.
        kept: How long visits are kept.
    """

    def __init__(self, visits: VisitReader, *, kept: timedelta) -> None:
        self._visits = visits
        self._kept = kept

    async def compared_in(
        self,
        conn: Connection,
        scope: TenantScope,
        windows: Windows,
        *,
        venue_id: UUID | None,
        now: datetime,
    ) -> ComparedTraffic:
        """Both windows, a statement each: together they would read the days between them, too."""
        if windows.current.start < now - self._kept:
            return ComparedTraffic(None, None, None)
        current = await self._visits.unique_in(conn, scope, windows.current, venue_id)
        previous = None
        if windows.previous.start >= now - self._kept:
            previous = await self._visits.unique_in(conn, scope, windows.previous, venue_id)
        moments = [unique.newest_fact_at for unique in (current, previous) if unique is not None]
        return ComparedTraffic(
            ComparedCount(current.visitor_count, None if previous is None else previous.visitor_count),
            ComparedRatio(_conversion(current), None if previous is None else _conversion(previous)),
            max((moment for moment in moments if moment is not None), default=None),
        )


def _conversion(unique: UniqueSessions) -> float | None:
    if unique.session_count == 0:
        return None
    return unique.ordering_session_count / unique.session_count
