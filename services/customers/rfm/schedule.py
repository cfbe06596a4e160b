"""When the customers of a tenant are scored anew, and for whom that runs."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.jobs.queue import Grant, Schedule, enqueue
from libs.common.postgres.database import Connection

SCORING_JOB: Final = "rfm.score"
SCORING_ID: Final = UUID("3e0c7f52-8d1b-4f6a-a1d9-6f2f0c5b7a21")
"""Id of the schedule in every tenant."""


# Grain: one tenant that is scored nightly, for the worker role: job_schedules has a row for each.
_TENANTS = "select tenant_id from job_schedules where id = $1 order by tenant_id"


async def scored_tenants(conn: Connection) -> list[UUID]:
    """Every tenant with a nightly run."""
    return [row["tenant_id"] for row in await conn.fetch(_TENANTS, SCORING_ID)]


def grant_of(tenant_id: UUID) -> Grant:
    """Scoring runs as this service, for this tenant alone."""
    return Grant("service:customers", TenantScope(tenant_id))


def scoring_schedule(tenant_id: UUID) -> Schedule:
    """The nightly run of a tenant."""
    return Schedule(SCORING_ID, SCORING_JOB, "10 2 * * *", "UTC", grant_of(tenant_id), timedelta(minutes=30))


async def ask_for_run(conn: Connection, tenant_id: UUID, since: datetime | None, now: datetime) -> None:
    """Have the tenant scored soon, once for each run that went before (None: there was none)."""
    key = "first" if since is None else f"after {since.isoformat()}"
    await enqueue(conn, SCORING_JOB, run_key=key, grant=grant_of(tenant_id), due_at=now)
