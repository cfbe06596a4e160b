"""When the findings of a tenant are refreshed, and for whom the run works."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.jobs.queue import Grant, Schedule

REFRESH_JOB: Final = "insights.refresh"
REFRESH_ID: Final = UUID("5c8f2d6e-3b1a-4f7c-9d24-8e6a0b7c1f35")
"""Id of the schedule in every tenant."""


def refresh_schedule(tenant_id: UUID) -> Schedule:
    """The nightly refresh of a tenant, after its scores; it works as this service, for this tenant alone."""
    grant = Grant("service:customers", TenantScope(tenant_id))
    return Schedule(REFRESH_ID, REFRESH_JOB, "10 5 * * *", "UTC", grant, timedelta(hours=1))
