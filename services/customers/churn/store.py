"""SQL of a run: probabilities replaced as a whole."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from libs.common.postgres.database import Connection
from services.customers.lifetime.copy_file import file_of
from services.customers.models.outcome import RunReport

# Grain: one tenant. Two runs of a tenant write one after the other.
_LOCK = "select pg_advisory_xact_lock(hashtextextended('churn of ' || $1::uuid::text, 0))"

# PostgreSQL refuses COPY into a table with row-level security: rows go through a temporary table of the
# connection.
_MAKE_STAGE = """
create temporary table if not exists staged_churn (
    venue_id uuid, customer_id uuid, probability double precision, drivers text,
    usual_gap_days double precision, has_missed_usual_show boolean, model text, newest_fact_at timestamptz
) on commit delete rows
"""

# Grain: customer and place. Sorted by the key, so that its index is built densely.
_INSERT_STAGED = """
insert into customer_churn (
       tenant_id, venue_id, customer_id, probability, horizon_days, model, drivers, usual_gap_days,
       has_missed_usual_show, computed_at, newest_fact_at)
select $1, venue_id, customer_id, probability, $2, model, drivers::jsonb, usual_gap_days,
       has_missed_usual_show, $3, newest_fact_at
  from pg_temp.staged_churn
 order by venue_id, customer_id
"""

# Grain: all of the tenant, before they are written anew. Index: customer_churn_pkey.
_CLEAR = "delete from customer_churn where tenant_id = $1"

# Grain: a customer who does not exist any more. Both tables are read whole, once a run: of a person who was
# erased while the run worked, what it says must not outlive them.
_DROP_ERASED = """
delete from customer_churn as v
 where v.tenant_id = $1
   and not exists (select from customers as c where c.tenant_id = $1 and c.customer_id = v.customer_id)
"""


@dataclass(frozen=True, slots=True)
class PlaceRun:
    """What a run found of a venue, or of the tenant; `model` None: nothing serves, for the reason given."""

    venue_id: UUID
    model: str | None
    refusal: str | None
    refusal_message: str | None


class RunStore:
    """The table of a run inside one transaction of the whole tenant; see `models.outcome.RunStore`.

    Args:
        conn: The transaction.
        tenant_id: The tenant.
        horizon_days: Days that probabilities look ahead.
    """

    def __init__(self, conn: Connection, tenant_id: UUID, *, horizon_days: int) -> None:
        self._driver = conn
        self._tenant_id = tenant_id
        self._horizon_days = horizon_days

    async def lock(self) -> None:
        await self._driver.execute(_LOCK, self._tenant_id)

    async def replace(self, rows: AsyncIterator[bytes], report: RunReport[PlaceRun]) -> None:
        await self._driver.execute(_MAKE_STAGE)
        await self._driver.copy_to_table(
            "staged_churn", schema_name="pg_temp", source=file_of(rows), format="binary"
        )
        await self._driver.execute(_CLEAR, self._tenant_id)
        await self._driver.execute(_INSERT_STAGED, self._tenant_id, self._horizon_days, report.computed_at)

    async def drop_erased(self) -> None:
        await self._driver.execute(_DROP_ERASED, self._tenant_id)
