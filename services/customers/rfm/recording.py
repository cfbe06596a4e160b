"""Scoring's part in a batch of platform events: who has to be scored anew, and the tenant's nightly run."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from libs.common.jobs.queue import save_schedule
from libs.common.postgres.database import Connection
from services.customers.rfm.pending_store import PendingStore
from services.customers.rfm.schedule import SCORING_ID, scoring_schedule

# Grain: one schedule. Index: job_schedules_pkey.
_IS_SCHEDULED: Final = "select exists (select from job_schedules where tenant_id = $1 and id = $2)"


async def mark(
    conn: Connection,
    tenant_id: UUID,
    customers: Collection[tuple[UUID, UUID]],
    people: Collection[UUID],
) -> None:
    """Remember with the facts whom they concern, after all recorders of the batch have written.

    Args:
        conn: The tenant's open transaction.
        tenant_id: The tenant.
        customers: People whose purchases at a venue changed, as (venue, person).
        people: People whose own data changed.
    """
    if customers and not await conn.fetchval(_IS_SCHEDULED, tenant_id, SCORING_ID):
        await save_schedule(conn, scoring_schedule(tenant_id), now=datetime.now(UTC))
    pending = PendingStore(conn, tenant_id)
    await pending.mark(customers)
    await pending.mark_people(people)
