"""When the days of a tenant are checked, and for whom the check runs."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.jobs.queue import Grant, Schedule

CHECK_JOB: Final = "daily.check"
CHECK_ID: Final = UUID("7d1f1c3e-5a86-4f0f-9b0e-2f6f4b7c9a10")
"""Id of the schedule in every tenant; migration 0007 made the first ones."""


def check_schedule(tenant_id: UUID) -> Schedule:
    """The nightly check of a tenant's days; it runs as this service, for this tenant alone."""
    grant = Grant("service:metrics", TenantScope(tenant_id))
    return Schedule(CHECK_ID, CHECK_JOB, "20 3 * * *", "UTC", grant, timedelta(hours=1))
