"""Use case: the cohorts of a venue."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from libs.common.buckets import Window
from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.customers.cohorts.periods import Period, period_edges
from services.customers.cohorts.store import VenueFigures, select_figures
from services.customers.cohorts.table import Cohort, triangle


class CohortReader:
    """Cohorts of venues.

    Args:
        database: The service's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def figures(
        self, scope: TenantScope, venue_id: UUID, edges: Sequence[datetime], until: datetime
    ) -> VenueFigures:
        """Figures of the periods between edges, by purchases made before `until`."""
        async with self._database.transaction(scope) as conn:
            return await select_figures(conn, scope.tenant_id, venue_id, edges, until)

    async def table_in(
        self,
        conn: Connection,
        tenant_id: UUID,
        venue_id: UUID,
        window: Window,
        clock: ZoneInfo,
        *,
        period: Period = "month",
    ) -> list[Cohort]:
        """Cohorts of a window, followed to its end, within an open transaction; their money is left out.

        Raises:
            WindowTooWide: More periods than one answer may hold.
        """
        edges = period_edges(window, period, clock)
        figures = await select_figures(conn, tenant_id, venue_id, edges, window.end)
        return triangle(figures.in_currency(""), edges, as_of=window.end)
