"""A recorder over a real database."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from tickettoken.metrics.v1 import recording_pb2

from libs.common.catalog.venues import Venues
from libs.common.context import Caller, TenantScope
from libs.common.postgres.database import Database
from services.metrics.recording.directory import SeriesDirectory
from services.metrics.recording.queue import GroupCommit
from services.metrics.recording.recorder import Recorder
from services.metrics.recording.writer import Written
from services.metrics.writer_slots import WriterSlots
from tests.servers.databases import PostgresServer, ServiceDatabase


def caller_of(tenant_id: UUID, venue_ids: frozenset[UUID] | None = None) -> Caller:
    return Caller(
        subject="tester",
        scope=TenantScope(tenant_id, venue_ids),
        permissions=frozenset({"analytics.write", "analytics.read"}),
        expires_at=datetime.now(UTC) + timedelta(hours=1),
        token_id="test",
    )


def row(**fields: Any) -> recording_pb2.MetricInput:
    """A valid row, but for the fields given; `at` is a datetime, None leaves a field out."""
    given: dict[str, Any] = {"metric_type": "page_views", "value": 1.0, "venue_id": str(uuid4())} | fields
    at = given.pop("at", None)
    made = recording_pb2.MetricInput(**{name: value for name, value in given.items() if value is not None})
    if at is not None:
        made.timestamp.FromDatetime(at)
    return made


def single(**fields: Any) -> recording_pb2.RecordMetricRequest:
    return recording_pb2.RecordMetricRequest.FromString(row(**fields).SerializeToString())


@dataclass
class Recording:
    """A recorder, what its commits changed, and the database as its superuser sees it."""

    recorder: Recorder
    commits: GroupCommit
    directory: SeriesDirectory
    database: Database
    admin: asyncpg.Connection
    committed: list[tuple[UUID, Written]] = field(default_factory=list)

    async def raw(self, tenant_id: UUID) -> list[asyncpg.Record]:
        return await self.admin.fetch(
            "select s.venue_id, s.metric_type, s.dimensions, m.metric_time, m.value, m.metric_id, m.metadata"
            " from analytics_metrics m join metric_series s using (series_id)"
            " where m.tenant_id = $1 order by m.metric_time, m.point_id",
            tenant_id,
        )


RecordingFactory = Callable[..., Any]


@pytest.fixture(scope="session")
async def metrics_database(postgres_server: PostgresServer) -> ServiceDatabase:
    return await postgres_server.create_database("metrics", migrated=True)


@asynccontextmanager
async def open_recording(
    served: ServiceDatabase,
    *,
    budget: int = 100_000,
    lanes: int = 2,
    queue_rows: int = 60_000,
    start: bool = True,
) -> AsyncIterator[Recording]:
    database = Database.connect(served.app_url, application_name="tests", pool_size=8)
    worker = Database.connect(served.worker_url, application_name="tests", pool_size=1)
    slots = WriterSlots(worker, count=lanes)
    await slots.start()
    committed: list[tuple[UUID, Written]] = []

    async def remember(tenant_id: UUID, written: Written) -> None:
        committed.append((tenant_id, written))

    commits = GroupCommit(
        database, slots, lanes=lanes, queue_rows=queue_rows, batch_rows=20_000, after_commit=remember
    )
    directory = SeriesDirectory(database, Venues(database), budget=budget)
    admin = await asyncpg.connect(served.admin_url)
    if start:
        commits.start()
    try:
        yield Recording(
            Recorder(directory, commits, retention_days=400), commits, directory, database, admin, committed
        )
    finally:
        await commits.stop()
        await slots.stop()
        await admin.close()
        await database.close()
        await worker.close()


@pytest.fixture(scope="session")
async def recording(metrics_database: ServiceDatabase) -> AsyncIterator[Recording]:
    async with open_recording(metrics_database) as opened:
        yield opened
