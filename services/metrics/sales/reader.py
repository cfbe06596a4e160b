"""Use case: figures of sales over buckets of time, exact wherever their edges lie."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Final
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.postgres.database import Connection, Database
from services.metrics.sales.rows import Dimension, SalesFilter, SalesRow
from services.metrics.sales.store import select_sales

__all__ = ("Dimension", "SalesFilter", "SalesReader", "SalesRow")

_EVERYTHING: Final = SalesFilter()
_NOTHING: Final[frozenset[Dimension]] = frozenset()


class SalesReader:
    """Sales of tenants, from their books. Orders count at the time of the sale; refunds restate it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(
        self,
        scope: TenantScope,
        edges: Sequence[datetime],
        *,
        where: SalesFilter = _EVERYTHING,
        by: AbstractSet[Dimension] = _NOTHING,
    ) -> list[SalesRow]:
        """Figures of every bucket, currency and combination of dimensions that had a sale.

        A row in which every order was voided stays, so that its newest fact is told (`SalesRow.is_empty`).

        Args:
            scope: Whose sales; a venue grant limits them.
            edges: Ascending instants, not nearer than a microsecond; n buckets have n + 1 edges.
            where: Which sales.
            by: What to tell apart, beside bucket and currency.
        """
        async with self._database.transaction(scope) as conn:
            return await self.rows_in(conn, scope.tenant_id, edges, where=where, by=by)

    async def rows_in(
        self,
        conn: Connection,
        tenant_id: UUID,
        edges: Sequence[datetime],
        *,
        where: SalesFilter = _EVERYTHING,
        by: AbstractSet[Dimension] = _NOTHING,
        limit: int | None = None,
    ) -> list[SalesRow]:
        """The same inside an open transaction of the tenant; of all rows in their order at most `limit`."""
        return await select_sales(conn, tenant_id, edges, where, by, limit=limit)
