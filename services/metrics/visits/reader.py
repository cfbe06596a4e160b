"""Use case: unique sessions over time and right now, for other capabilities' answers."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.metrics.visits.active_store import Interval
from services.metrics.visits.counts_store import VisitCounts, select_active_count, select_counts

__all__ = ("VisitCounts", "VisitReader")


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

    async def active_count(self, scope: TenantScope, venue_id: UUID | None) -> int:
        """Sessions active now, at one venue or at all that the scope may see."""
        async with self._database.transaction(scope) as conn:
            active = Interval.at(self._now(), self._active_seconds)
            return await select_active_count(conn, scope.tenant_id, venue_id, active)
