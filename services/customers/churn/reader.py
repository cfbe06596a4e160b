"""Churn for other capabilities, as the newest run left it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.postgres.database import Database
from services.customers.churn.reading_store import ReadingStore
from services.customers.models.entry import WHOLE_TENANT


@dataclass(frozen=True, slots=True)
class Churn:
    """Probability that a customer buys nothing within the horizon, and whose opinion that is."""

    probability: float
    horizon_days: int
    model: str
    computed_at: datetime


class ChurnReader:
    """Reads churn in bulk. That over the tenant as a whole exists for callers without a venue grant only.

    Args:
        database: The service's database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def probabilities(
        self, scope: TenantScope, customer_ids: Collection[UUID], *, venue_id: UUID | None = None
    ) -> dict[UUID, Churn]:
        """The probability of each of the customers who have one, at the venue or (None) at the tenant."""
        if not customer_ids:
            return {}
        async with self._database.transaction(scope) as conn:
            rows = await ReadingStore(conn, scope.tenant_id).stored([venue_id or WHOLE_TENANT], customer_ids)
        return {
            row.customer_id: Churn(row.probability, row.horizon_days, row.model, row.computed_at)
            for row in rows
        }
