"""SQL of a run: values and findings replaced as a whole."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from libs.common.postgres.columns import columns
from libs.common.postgres.database import Connection
from services.customers.lifetime.copy_file import file_of
from services.customers.models.outcome import RunReport

_KEPT: Final = timedelta(days=400)

# Grain: one tenant. Two runs of a tenant write one after the other.
_LOCK = "select pg_advisory_xact_lock(hashtextextended('lifetime of ' || $1::uuid::text, 0))"

# PostgreSQL refuses COPY into a table with row-level security: rows go through a temporary table of the
# connection.
_MAKE_STAGE = """
create temporary table if not exists staged_lifetime_values (
    venue_id uuid, customer_id uuid, currency text, is_main boolean, purchase_count integer,
    historic_minor bigint, expected_minor bigint, low_minor bigint, high_minor bigint,
    expected_purchases double precision, alive_probability double precision, model text,
    newest_fact_at timestamptz
) on commit delete rows
"""

# Grain: customer, venue and currency. Sorted by the key, so that its index is built densely.
_INSERT_STAGED = """
insert into customer_lifetime_value (
       tenant_id, venue_id, customer_id, currency, is_main, basis, purchase_count, historic_minor,
       expected_minor, low_minor, high_minor, expected_purchases, alive_probability, model, computed_at,
       newest_fact_at)
select $1, venue_id, customer_id, currency, is_main,
       case when expected_minor is null then 'historic' else 'model' end, purchase_count, historic_minor,
       expected_minor, low_minor, high_minor, expected_purchases, alive_probability, model, $2,
       newest_fact_at
  from pg_temp.staged_lifetime_values
 order by venue_id, customer_id, currency
"""
# Grain: all values of the tenant, before they are written anew. Index: customer_lifetime_value_pkey.
_CLEAR = "delete from customer_lifetime_value where tenant_id = $1"

# Grain: value of a customer who does not exist any more. Both tables are read whole, once a run: of a person
# who was erased while the run worked, its values must not outlive it.
_DROP_ERASED = """
delete from customer_lifetime_value v
 where v.tenant_id = $1
   and not exists (select from customers c where c.tenant_id = $1 and c.customer_id = v.customer_id)
"""

# Grain: venue and run. Index: lifetime_runs_pkey.
_INSERT_RUNS = """
insert into lifetime_runs (tenant_id, venue_id, computed_at, horizon_days, least_repeaters, first_day,
                           last_day, purchase_count, customer_count, repeater_count, refusal,
                           refusal_message, figures, newest_fact_at)
select $1, venue_id, $2, $3, $4, first_day, last_day,
       purchase_count, customer_count, repeater_count, refusal, refusal_message, figures, newest_fact_at
  from unnest($5::uuid[], $6::date[], $7::date[], $8::bigint[], $9::integer[], $10::integer[], $11::text[],
              $12::text[], $13::jsonb[], $14::timestamptz[])
       as new (venue_id, first_day, last_day, purchase_count, customer_count, repeater_count, refusal,
               refusal_message, figures, newest_fact_at)
 order by venue_id
"""
_FORGET_RUNS = """
delete from lifetime_runs where tenant_id = $1 and (computed_at < $2 or computed_at = $3)
"""


@dataclass(frozen=True, slots=True)
class PlaceRun:
    """What a run found of a venue, or of the tenant, beside its models and customers."""

    venue_id: UUID
    first_day: date
    last_day: date
    purchase_count: int
    customer_count: int
    repeater_count: int
    refusal: str | None
    refusal_message: str | None
    figures: dict[str, Any]
    newest_fact_at: datetime


class RunStore:
    """The tables of a run inside one transaction of the whole tenant; see `models.outcome.RunStore`.

    Args:
        conn: The transaction.
        tenant_id: The tenant.
        horizon_days: How far values look ahead.
        least_repeaters: Without so many customers who bought again a venue is served by the tenant's fit.
    """

    def __init__(self, conn: Connection, tenant_id: UUID, *, horizon_days: int, least_repeaters: int) -> None:
        self._driver = conn
        self._tenant_id = tenant_id
        self._terms = (horizon_days, least_repeaters)

    async def lock(self) -> None:
        await self._driver.execute(_LOCK, self._tenant_id)

    async def replace(self, rows: AsyncIterator[bytes], report: RunReport[PlaceRun]) -> None:
        await self._driver.execute(_MAKE_STAGE)
        await self._driver.copy_to_table(
            "staged_lifetime_values", schema_name="pg_temp", source=file_of(rows), format="binary"
        )
        await self._driver.execute(_CLEAR, self._tenant_id)
        await self._driver.execute(_INSERT_STAGED, self._tenant_id, report.computed_at)
        await self._put_runs(report.places, report.computed_at)

    async def drop_erased(self) -> None:
        await self._driver.execute(_DROP_ERASED, self._tenant_id)

    async def _put_runs(self, places: Sequence[PlaceRun], computed_at: datetime) -> None:
        """Add what a run found; one at the very same time is replaced, old ones are dropped."""
        rows = (
            (
                place.venue_id,
                place.first_day,
                place.last_day,
                place.purchase_count,
                place.customer_count,
                place.repeater_count,
                place.refusal,
                place.refusal_message,
                json.dumps(place.figures),
                place.newest_fact_at,
            )
            for place in places
        )
        await self._driver.execute(_FORGET_RUNS, self._tenant_id, computed_at - _KEPT, computed_at)
        await self._driver.execute(
            _INSERT_RUNS, self._tenant_id, computed_at, *self._terms, *columns(rows, 10)
        )
