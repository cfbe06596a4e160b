"""SQL of what a run left of customers."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.common.postgres.database import Connection

# Grain: customer at a place, of the given customers and places. Index: customer_churn_pkey.
_STORED = """
select venue_id, customer_id, probability, horizon_days, model, drivers, usual_gap_days,
       has_missed_usual_show, computed_at, newest_fact_at
  from customer_churn
 where tenant_id = $1 and venue_id = any($2::uuid[]) and customer_id = any($3::uuid[])
 order by customer_id, venue_id
"""

# Grain: any customer of some places; a run stores one horizon for all. Index: customer_churn_pkey.
_HORIZON = """
select horizon_days from customer_churn where tenant_id = $1 and venue_id = any($2::uuid[]) limit 1
"""


@dataclass(frozen=True, slots=True)
class Driver:
    """A fact that moves a customer's probability; see the contract's ChurnDriver."""

    name: str
    value: float | None
    effect: float


@dataclass(frozen=True, slots=True)
class StoredChurn:
    """What the newest run says of a customer at a venue, or at the tenant."""

    venue_id: UUID
    customer_id: UUID
    probability: float
    horizon_days: int
    model: str
    drivers: tuple[Driver, ...]
    usual_gap_days: float | None
    has_missed_usual_show: bool | None
    computed_at: datetime
    newest_fact_at: datetime


class ReadingStore:
    """Churn of one tenant inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def stored(self, places: Collection[UUID], customer_ids: Collection[UUID]) -> list[StoredChurn]:
        """By customer and place."""
        rows = await self._driver.fetch(_STORED, self._tenant_id, list(places), list(customer_ids))
        return [_stored(row) for row in rows]

    async def horizon(self, places: Collection[UUID]) -> int | None:
        """Days that the newest run looks ahead; None: it left nothing at these places."""
        found: int | None = await self._driver.fetchval(_HORIZON, self._tenant_id, list(places))
        return found


def _stored(row: Mapping[str, Any]) -> StoredChurn:
    drivers = tuple(Driver(**driver) for driver in json.loads(row["drivers"]))
    return StoredChurn(**(dict(row) | {"drivers": drivers}))
