"""Use case: unique sessions over time and right now, for other capabilities' answers."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from libs.common.buckets import Window
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.metrics.visits.active_store import Interval
from services.metrics.visits.counts_store import VisitCounts, select_active_count, select_counts
from services.metrics.visits.unique_store import UniqueSessions, WholeDays, select_unique

__all__ = ("UniqueSessions", "VisitCounts", "VisitReader")


class VisitReader:
    """Unique sessions. Forms that end in `_in` read inside the caller's transaction.

    Args:
        database: The service's database.
        active_seconds: How long a session is active after its last activity.
        now: The clock.
    """

    def __init__(
        self,
        database: Database,
        *,
        active_seconds: int = 300,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._active_seconds = active_seconds
        self._now = now

    async def counts(
        self,
        scope: TenantScope,
        edges: Sequence[datetime],
        *,
        venue_ids: Sequence[UUID] = (),
        event_ids: Sequence[UUID] = (),
    ) -> list[VisitCounts]:
        """As `counts_in`, in a transaction of the scope."""
        async with self._database.transaction(scope) as conn:
            return await self.counts_in(
                conn, scope.tenant_id, edges, venue_ids=venue_ids, event_ids=event_ids
            )

    async def counts_in(
        self,
        conn: Connection,
        tenant_id: UUID,
        edges: Sequence[datetime],
        *,
        venue_ids: Sequence[UUID] = (),
        event_ids: Sequence[UUID] = (),
    ) -> list[VisitCounts]:
        """Unique sessions by bucket, exact; buckets without any are left out.

        A session that was at several venues or shows counts once a bucket. With shows given, only what is
        about one of them counts: its page, a cart or checkout that names it, an order of it.

        Args:
            conn: A transaction of the tenant; its venue grant limits the answer.
            tenant_id: The tenant.
            edges: Ascending instants, UTC: n + 1 edges make n buckets, exact wherever they lie.
            venue_ids: Only these venues; empty: all.
            event_ids: Only these shows; empty: all.
        """
        return await select_counts(conn, tenant_id, edges, venue_ids, event_ids)

    async def unique_in(
        self, conn: Connection, scope: TenantScope, window: Window, venue_id: UUID | None
    ) -> UniqueSessions:
        """Unique sessions of one window, exact, however long it is, at the cost of two days.

        Only for several venues of a grant that has not all of them every session is read: which of them were
        at two of these venues is kept for no set of venues but all.

        Args:
            conn: A transaction of the scope.
            scope: Whose sessions; a venue grant limits the answer.
            window: Of any length, UTC; its edges may lie anywhere.
            venue_id: Only this venue; None: all of the scope.
        """
        own = () if venue_id is None else (venue_id,)
        if venue_id is None and scope.venue_ids is not None and len(scope.venue_ids) == 1:
            (venue_id,) = scope.venue_ids
        days = WholeDays.of(window)
        if days is not None and (venue_id is not None or scope.venue_ids is None):
            return await select_unique(conn, scope.tenant_id, window, days, venue_id)
        rows = await self.counts_in(conn, scope.tenant_id, [window.start, window.end], venue_ids=own)
        if not rows:
            return UniqueSessions(0, 0, 0, None)
        found = rows[0]
        return UniqueSessions(
            found.visitor_count, found.ordering_session_count, found.session_count, found.newest_fact_at
        )

    async def active_count(self, scope: TenantScope, venue_id: UUID | None) -> int:
        """Sessions active now, at one venue or at all that the scope may see."""
        async with self._database.transaction(scope) as conn:
            active = Interval.at(self._now(), self._active_seconds)
            return await select_active_count(conn, scope.tenant_id, venue_id, active)
