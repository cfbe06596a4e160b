"""When churn of a tenant's customers is foretold anew, and for whom the run works."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from libs.common.context import TenantScope
from libs.common.jobs.queue import Grant, Schedule

CHURN_JOB: Final = "churn.fit"
CHURN_ID: Final = UUID("7a8c1f4e-52b3-4d0b-9a65-3c1e8d9f2b60")
"""Id of the schedule in every tenant."""


def churn_schedule(tenant_id: UUID) -> Schedule:
    """The nightly run of a tenant, after that of lifetime values; it works for this tenant alone."""
    grant = Grant("service:customers", TenantScope(tenant_id))
    return Schedule(CHURN_ID, CHURN_JOB, "20 3 * * *", "UTC", grant, timedelta(hours=2))
