"""Use case: visitors and conversion of a window beside those of another one, as far as visits are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from libs.common.buckets import Window
from libs.common.postgres.database import Connection
from services.metrics.overview.comparisons import ComparedCount, ComparedRatio
from services.metrics.overview.windows import Windows
from services.metrics.visits.reader import VisitCounts, VisitReader


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
        tenant_id: UUID,
        windows: Windows,
        *,
        venue_ids: Sequence[UUID],
        now: datetime,
    ) -> ComparedTraffic:
        """Both windows, a statement each: together they would read the days between them, too."""
        if windows.current.start < now - self._kept:
            return ComparedTraffic(None, None, None)
        current = await self._counts_in(conn, tenant_id, windows.current, venue_ids)
        previous = None
        if windows.previous.start >= now - self._kept:
            previous = await self._counts_in(conn, tenant_id, windows.previous, venue_ids)
        moments = [counts.newest_fact_at for counts in (current, previous) if counts and counts.session_count]
        return ComparedTraffic(
            ComparedCount(current.visitor_count, None if previous is None else previous.visitor_count),
            ComparedRatio(_conversion(current), None if previous is None else _conversion(previous)),
            max(moments, default=None),
        )

    async def _counts_in(
        self, conn: Connection, tenant_id: UUID, window: Window, venue_ids: Sequence[UUID]
    ) -> VisitCounts:
        rows = await self._visits.counts_in(conn, tenant_id, [window.start, window.end], venue_ids=venue_ids)
        return rows[0] if rows else VisitCounts(0, 0, 0, 0, 0, window.start)


def _conversion(counts: VisitCounts) -> float | None:
    if counts.session_count == 0:
        return None
    return counts.ordering_session_count / counts.session_count
