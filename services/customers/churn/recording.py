"""Churn's part in a batch of platform events: the first order of a tenant starts its nightly run."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.jobs.queue import save_schedule
from libs.common.postgres.database import Connection
from services.customers.changes import Changes
from services.customers.churn.schedule import CHURN_ID, churn_schedule

TYPES: Final = ("order.completed",)

# Grain: one schedule. Index: job_schedules_pkey.
_IS_SCHEDULED = "select exists (select from job_schedules where tenant_id = $1 and id = $2)"


async def record(conn: Connection, tenant_id: UUID, _events: Sequence[Event]) -> Changes:
    """Save the tenant's schedule where there is none."""
    if not await conn.fetchval(_IS_SCHEDULED, tenant_id, CHURN_ID):
        await save_schedule(conn, churn_schedule(tenant_id), now=datetime.now(UTC))
    return Changes()
