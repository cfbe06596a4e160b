"""Durable bulk ingest through gRPC against a binary COPY of the same metrics into a bare table."""

import asyncio
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
from tickettoken.metrics.v1 import recording_pb2

from benchmarks.mesh import Mesh
from benchmarks.report import Result

NAME = "ingest"
_ROWS = 10_000
_CALLS = 24
_IN_FLIGHT = 4
_BULK = "/tickettoken.metrics.v1.MetricsService/BulkRecordMetrics"

_WIDE = """
create table wide (tenant_id uuid, venue_id uuid, metric_type text, value double precision,
                            metric_time timestamptz, dimensions jsonb, metric_id uuid)
"""


async def run(mesh: Mesh) -> Sequence[Result]:
    """Both with and without metric ids; the yardstick's rows always carry one."""
    tenant = uuid4()
    batches = [_batch(tenant) for _ in range(_CALLS)]
    results = []
    copied = await _copy(mesh, tenant, batches)
    for name, with_ids in (("bulk ingest", False), ("bulk ingest, every row with a metric id", True)):
        ingested = await _ingest(mesh, tenant, batches, with_ids=with_ids)
        copied = max(copied, await _copy(mesh, tenant, batches))
        results.append(
            Result(
                name,
                f"{ingested:,.0f} rows/s by BulkRecordMetrics",
                f"{copied:,.0f} rows/s by COPY",
                ingested / copied,
                None if with_ids else 0.25,
            )
        )
    return results


async def _ingest(
    mesh: Mesh, tenant: UUID, batches: Sequence[recording_pb2.BulkRecordMetricsRequest], *, with_ids: bool
) -> float:
    requests = [_request(batch, with_ids=with_ids) for batch in batches]
    gate = asyncio.Semaphore(_IN_FLIGHT)
    async with mesh.channel() as channel:
        method = mesh.method(channel, _BULK)
        metadata = mesh.metadata(tenant)

        async def send(request: bytes) -> None:
            async with gate:
                response = recording_pb2.BulkRecordMetricsResponse.FromString(
                    await method(request, metadata=metadata)
                )
            assert response.accepted_count == _ROWS, response.verdicts[:3]

        await asyncio.gather(*(send(_request(_batch(tenant), with_ids=False)) for _ in range(2)))
        started = time.perf_counter()
        await asyncio.gather(*(send(request) for request in requests))
        return _ROWS * len(requests) / (time.perf_counter() - started)


async def _copy(mesh: Mesh, tenant: UUID, batches: Sequence[recording_pb2.BulkRecordMetricsRequest]) -> float:
    """Rows a second of one connection that copies batch by batch; rows are made before the clock starts."""
    connection = await asyncpg.connect(mesh.admin_url)
    try:
        await connection.execute("drop table if exists wide")
        await connection.execute(_WIDE)
        tables = [[_wide(tenant, metric) for metric in batch.metrics] for batch in batches]
        started = time.perf_counter()
        for rows in tables:
            await connection.copy_records_to_table("wide", records=rows)
        return _ROWS * len(tables) / (time.perf_counter() - started)
    finally:
        await connection.close()


def _batch(tenant: UUID) -> recording_pb2.BulkRecordMetricsRequest:
    randomness = random.Random(uuid4().int)
    now = datetime.now(UTC)
    batch = recording_pb2.BulkRecordMetricsRequest()
    venues = [str(UUID(int=tenant.int ^ number)) for number in range(3)]
    for _ in range(_ROWS):
        metric = batch.metrics.add(
            metric_type=randomness.choice(("page_views", "queue_length", "door_scans")),
            value=randomness.uniform(0, 1000),
            venue_id=randomness.choice(venues),
            dimensions={
                "channel": randomness.choice(("web", "mobile", "box_office")),
                "gate": f"gate-{randomness.randrange(10)}",
            },
            metric_id=str(uuid4()),
        )
        metric.timestamp.FromDatetime(now - timedelta(seconds=randomness.uniform(0, 3600)))
    return batch


def _request(batch: recording_pb2.BulkRecordMetricsRequest, *, with_ids: bool) -> bytes:
    request = recording_pb2.BulkRecordMetricsRequest()
    request.CopyFrom(batch)
    if not with_ids:
        for metric in request.metrics:
            metric.ClearField("metric_id")
    return request.SerializeToString()


def _wide(tenant: UUID, metric: recording_pb2.MetricInput) -> tuple[object, ...]:
    dimensions = ", ".join(f'"{key}": "{value}"' for key, value in metric.dimensions.items())
    return (
        tenant,
        UUID(metric.venue_id),
        metric.metric_type,
        metric.value,
        metric.timestamp.ToDatetime(UTC),
        f"{{{dimensions}}}",
        UUID(metric.metric_id),
    )
