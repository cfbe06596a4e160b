"""SQL of what a run left: values of customers and findings of places."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from libs.common.postgres.database import Connection

Basis = Literal["model", "historic"]

# Grain: customer, venue and currency, of the given customers and venues. Index: customer_lifetime_value_pkey.
_VALUES = """
select venue_id, customer_id, currency, is_main, basis, purchase_count, historic_minor, expected_minor,
       low_minor, high_minor, expected_purchases, alive_probability, model, computed_at, newest_fact_at
  from customer_lifetime_value
 where tenant_id = $1 and venue_id = any($2::uuid[]) and customer_id = any($3::uuid[])
 order by customer_id, venue_id, is_main desc, currency
"""

# Grain: the newest run of each of some venues. Index: lifetime_runs_pkey, read backwards for each.
_RUNS = """
select run.venue_id, run.computed_at, run.first_day, run.last_day, run.horizon_days, run.least_repeaters,
       run.purchase_count, run.customer_count, run.repeater_count, run.refusal, run.refusal_message,
       run.figures, run.newest_fact_at
  from unnest($2::uuid[]) as wanted (venue_id)
 cross join lateral (select venue_id, computed_at, first_day, last_day, horizon_days, least_repeaters,
                            purchase_count, customer_count, repeater_count, refusal, refusal_message,
                            figures, newest_fact_at
                       from lifetime_runs
                      where tenant_id = $1 and venue_id = wanted.venue_id
                      order by computed_at desc
                      limit 1) as run
 order by run.venue_id
"""


@dataclass(frozen=True, slots=True)
class StoredValue:
    """What the newest run says of a customer in one currency, at a venue or at the tenant."""

    venue_id: UUID
    customer_id: UUID
    currency: str
    is_main: bool
    basis: Basis
    purchase_count: int
    historic_minor: int
    expected_minor: int | None
    low_minor: int | None
    high_minor: int | None
    expected_purchases: float | None
    alive_probability: float | None
    model: str | None
    computed_at: datetime
    newest_fact_at: datetime


@dataclass(frozen=True, slots=True)
class StoredRun:
    """What the newest run found of a venue, or of the tenant."""

    venue_id: UUID
    computed_at: datetime
    first_day: date
    last_day: date
    horizon_days: int
    least_repeaters: int
    purchase_count: int
    customer_count: int
    repeater_count: int
    refusal: str | None
    refusal_message: str | None
    figures: Mapping[str, Any]
    newest_fact_at: datetime


class ReadingStore:
    """Lifetime values of one tenant inside one transaction."""

    def __init__(self, conn: Connection, tenant_id: UUID) -> None:
        self._driver = conn
        self._tenant_id = tenant_id

    async def values(self, venue_ids: Collection[UUID], customer_ids: Collection[UUID]) -> list[StoredValue]:
        """By customer and venue, the main currency first."""
        rows = await self._driver.fetch(_VALUES, self._tenant_id, list(venue_ids), list(customer_ids))
        return [StoredValue(**row) for row in rows]

    async def runs(self, venue_ids: Collection[UUID]) -> list[StoredRun]:
        """The newest run of each of the venues that has one, by venue."""
        rows = await self._driver.fetch(_RUNS, self._tenant_id, list(venue_ids))
        return [StoredRun(**(dict(row) | {"figures": json.loads(row["figures"])})) for row in rows]
