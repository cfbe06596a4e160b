"""When a tenant's models are fitted anew, and for whom the run works."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.jobs.queue import Grant, Schedule

FIT_JOB: Final = "lifetime.fit"
FIT_ID: Final = UUID("0e3c5a1b-9d5c-4a8e-8f0f-6f1f6f4c2b71")
"""Id of the schedule in every tenant."""


def fit_schedule(tenant_id: UUID) -> Schedule:
    """The nightly run of a tenant; it works as this service, for this tenant alone."""
    grant = Grant("service:customers", TenantScope(tenant_id))
    return Schedule(FIT_ID, FIT_JOB, "40 2 * * *", "UTC", grant, timedelta(hours=2))
