"""Churn's part in a batch of platform events: the first order of a tenant starts its nightly run."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from tickettoken.events.v1.envelope_pb2 import Event

from libs.common.jobs.queue import ensure_schedule
from libs.common.postgres.database import Connection
from services.customers.changes import Changes
from services.customers.churn.schedule import churn_schedule

TYPES: Final = ("order.completed",)


async def record(conn: Connection, tenant_id: UUID, _events: Sequence[Event]) -> Changes:
    """Save the tenant's schedule where there is none."""
    await ensure_schedule(conn, churn_schedule(tenant_id), now=datetime.now(UTC))
    return Changes()
