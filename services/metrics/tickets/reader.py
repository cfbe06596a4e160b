"""Use case: admissions over time and tickets by show, for other capabilities' answers."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.metrics.tickets.admission_store import (
    AdmissionRow,
    ShowTickets,
    select_admissions,
    select_by_show,
)

__all__ = ("AdmissionRow", "ShowTickets", "TicketReader")


class TicketReader:
    """What scans and transfers add up to. Forms that end in `_in` read inside the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def admissions(
        self,
        scope: TenantScope,
        edges: Sequence[datetime],
        *,
        venue_ids: Sequence[UUID] = (),
        event_ids: Sequence[UUID] = (),
        by_event: bool = False,
    ) -> list[AdmissionRow]:
        """As `admissions_in`, in a transaction of the scope."""
        async with self._database.transaction(scope) as conn:
            return await self.admissions_in(
                conn, scope.tenant_id, edges, venue_ids=venue_ids, event_ids=event_ids, by_event=by_event
            )

    async def admissions_in(
        self,
        conn: Connection,
        tenant_id: UUID,
        edges: Sequence[datetime],
        *,
        venue_ids: Sequence[UUID] = (),
        event_ids: Sequence[UUID] = (),
        by_event: bool = False,
    ) -> list[AdmissionRow]:
        """Tickets admitted for the first time, by bucket; buckets (and shows) without any are left out.

        Args:
            conn: A transaction of the tenant; its venue grant limits the answer.
            tenant_id: The tenant.
            edges: Ascending instants: n + 1 edges make n buckets, exact wherever they lie.
            venue_ids: Only tickets of these venues; empty: of all.
            event_ids: Only tickets of these shows; empty: of all.
            by_event: Whether to tell shows apart.
        """
        return await select_admissions(
            conn, tenant_id, edges, venue_ids=venue_ids, event_ids=event_ids, by_event=by_event
        )

    async def by_show_in(
        self, conn: Connection, tenant_id: UUID, event_ids: Sequence[UUID]
    ) -> dict[UUID, ShowTickets]:
        """Admitted and transferred tickets of each of the shows that has any ticket known by itself."""
        return await select_by_show(conn, tenant_id, event_ids)
