"""Schedules and runs."""

from libs.common.jobs.schema import JOBS_DDL
from libs.common.postgres.migrate import apply

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    apply(JOBS_DDL)
