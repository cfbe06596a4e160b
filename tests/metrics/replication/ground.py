"""A database and an InfluxDB of a test's own, with rows written by hand and counted naively."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from deploy.local.servers.influx import Influx as InfluxServer
from libs.common.postgres.database import Database
from services.metrics.replication.influx import Influx
from services.metrics.replication.points import PLATFORM_BUCKETS, RECORDED_BUCKET
from services.metrics.replication.reconciliation import Reconciliation
from services.metrics.replication.replicator import Replicator
from services.metrics.replication.streams import PlatformSeries, RecordedMetrics
from tests.servers.databases import PostgresServer, ServiceDatabase

BUCKETS = (RECORDED_BUCKET, *PLATFORM_BUCKETS)

INSERT_SERIES = """
insert into metric_series (tenant_id, venue_id, metric_type, dimensions, fingerprint)
values ($1, $2, $3, $4, uuid_send(gen_random_uuid())) returning series_id
"""
INSERT_ROWS = """
insert into analytics_metrics (tenant_id, series_id, metric_time, value)
select $1, $2, at, value from unnest($3::timestamptz[], $4::double precision[]) as new (at, value)
"""
ADD_TO_ROLLUPS = """
insert into analytics_aggregations as kept
       (tenant_id, series_id, bucket_start, writer_slot, value_count, value_sum, value_min, value_max,
        newest_time)
select $1, $2, date_bin('15 minutes', at, 'epoch'), 0, count(*), sum(value), min(value), max(value), max(at)
  from unnest($3::timestamptz[], $4::double precision[]) as new (at, value)
 group by 3
on conflict (tenant_id, series_id, bucket_start, writer_slot) do update
   set value_count = kept.value_count + excluded.value_count,
       value_sum = kept.value_sum + excluded.value_sum,
       value_min = least(kept.value_min, excluded.value_min),
       value_max = greatest(kept.value_max, excluded.value_max),
       newest_time = greatest(kept.newest_time, excluded.newest_time)
"""

Row = tuple[datetime, float]


@dataclass
class Ground:
    """Stores of one test, and what was written to them."""

    service: ServiceDatabase
    server: InfluxServer
    database: Database
    worker: Database
    influx: Influx
    admin: asyncpg.Connection
    written: dict[int, list[Row]] = field(default_factory=dict)

    def replicator(self, *, batch_rows: int = 20_000) -> Replicator:
        """A process that copies."""
        streams = (RecordedMetrics(self.worker, self.influx), PlatformSeries(self.worker, self.influx))
        return Replicator(
            self.worker, self.influx, streams, poll_seconds=0.05, batch_rows=batch_rows, retention_days=400
        )

    def reconciliation(self) -> Reconciliation:
        return Reconciliation(self.worker, self.influx)

    async def series(self, tenant: UUID, venue: UUID, kind: str = "queue_length", **dimensions: str) -> int:
        number: int = await self.admin.fetchval(INSERT_SERIES, tenant, venue, kind, json.dumps(dimensions))
        return number

    async def write(self, tenant: UUID, series: int, rows: Iterable[Row], conn: Any = None) -> None:
        """Write rows as recording does: raw and rolled up in one transaction."""
        given = list(rows)
        columns = [at for at, _ in given], [value for _, value in given]
        connection = conn or self.admin
        async with connection.transaction():
            await connection.execute(INSERT_ROWS, tenant, series, *columns)
            await connection.execute(ADD_TO_ROLLUPS, tenant, series, *columns)
        self.written.setdefault(series, []).extend(given)

    async def level(self, replicator: Replicator) -> int:
        """Copy until nothing is left; returns how many rows were copied."""
        total = 0
        for stream in replicator.streams:
            while not (step := await replicator.step(stream)).is_level:
                assert step.is_holder
                total += step.row_count
        return total

    def copied(self, measurement: str = "points", field_name: str = "value") -> dict[int, list[Any]]:
        """Every copied value by series, as InfluxDB tells it."""
        groups = self.ask(f'select "{field_name}" from "{measurement}" group by "series"')
        return {int(one["tags"]["series"]): [value for _, value in one["values"]] for one in groups}

    def ask(self, statement: str, bucket: str = RECORDED_BUCKET) -> list[dict[str, Any]]:
        """One InfluxQL statement, asked past the product's client."""
        answer = httpx.post(
            f"{self.server.url}/query", data={"db": bucket, "q": statement, "epoch": "ns"}, timeout=30
        )
        result = answer.json()["results"][0]
        assert "error" not in result, result
        return result.get("series", [])


def wipe(server: InfluxServer) -> None:
    """Empty the InfluxDB, as if its disk were new."""
    for bucket in BUCKETS:
        httpx.post(f"{server.url}/query", data={"q": f'drop database "{bucket}"'}, timeout=30)


@asynccontextmanager
async def open_ground(postgres: PostgresServer, server: InfluxServer) -> AsyncIterator[Ground]:
    wipe(server)
    service = await postgres.create_database("metrics", migrated=True)
    ground = Ground(
        service,
        server,
        Database.connect(service.app_url, application_name="tests", pool_size=4),
        Database.connect(service.worker_url, application_name="tests", pool_size=4),
        Influx(server.url, token=None, org="tests", read_seconds=10),
        await asyncpg.connect(service.admin_url),
    )
    try:
        yield ground
    finally:
        await ground.influx.close()
        await ground.admin.close()
        await ground.database.close()
        await ground.worker.close()
        await postgres.drop_database(service)


def new_tenant() -> tuple[UUID, UUID]:
    """A tenant and a venue of it."""
    return uuid4(), uuid4()
