"""A 30-day hourly series with many raw rows against the same series with few."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import grpc
from tickettoken.metrics.v1 import recording_pb2, series_pb2

from benchmarks.mesh import Mesh
from benchmarks.report import Result

NAME = "series-growth"
_FEW = 100_000
_MANY = 10_000_000
_DAYS = 30
_RECORD = "/tickettoken.metrics.v1.MetricsService/RecordMetric"
_LIST = "/tickettoken.metrics.v1.MetricsService/ListMetrics"

# Rows as recording leaves them, made by the server itself, because sending ten million would take minutes.
_FILL_RAW = """
insert into analytics_metrics (tenant_id, series_id, metric_time, value)
select $1, $2, $3::timestamptz + row * ($4::interval / $5::bigint), row % 100
  from generate_series(0, $5::bigint - 1) as row
"""
_FILL_ROLLUPS = """
insert into analytics_aggregations
       (tenant_id, series_id, bucket_start, writer_slot,
        value_count, value_sum, value_min, value_max, newest_time)
select tenant_id, series_id, date_bin('15 minutes', metric_time, 'epoch'), 255,
       count(*), sum(value), min(value), max(value), max(metric_time)
  from analytics_metrics
 where series_id = $1 and metric_time < $2
 group by 1, 2, 3
on conflict do nothing
"""


async def run(mesh: Mesh) -> Sequence[Result]:
    tenant = uuid4()
    metadata = mesh.metadata(tenant)
    end = datetime.now(UTC)
    async with mesh.channel() as channel:
        venues = {
            count: await _filled(mesh, channel, metadata, tenant=tenant, count=count, end=end)
            for count in (_FEW, _MANY)
        }
        times: dict[int, list[float]] = {count: [] for count in venues}
        for attempt in range(1, 21):
            for count, venue in venues.items():
                times[count].append(
                    await _timed(mesh, channel, metadata, venue=venue, end=end, attempt=attempt)
                )
    few, many = (sorted(times[count])[len(times[count]) // 2] for count in venues)
    return [
        Result(
            f"{_DAYS}-day hourly series, not cached",
            f"{many * 1000:.1f} ms with {_MANY:,} rows",
            f"{few * 1000:.1f} ms with {_FEW:,} rows",
            many / few,
            1.3,
            at_most=True,
        )
    ]


async def _filled(
    mesh: Mesh,
    channel: grpc.aio.Channel,
    metadata: tuple[tuple[str, str], ...],
    *,
    tenant: UUID,
    count: int,
    end: datetime,
) -> str:
    """A venue with so many rows in one series, evenly over the days before `end`."""
    venue = str(uuid4())
    metric = recording_pb2.RecordMetricRequest(metric_type="door_scans", value=1.0, venue_id=venue)
    metric.timestamp.FromDatetime(end - timedelta(days=_DAYS + 2))
    await mesh.method(channel, _RECORD)(metric.SerializeToString(), metadata=metadata)
    admin = await asyncpg.connect(mesh.admin_url, command_timeout=1800)
    try:
        series = await admin.fetchval("select series_id from metric_series where venue_id = $1", UUID(venue))
        await admin.execute(
            _FILL_RAW, tenant, series, end - timedelta(days=_DAYS), timedelta(days=_DAYS), count
        )
        await admin.execute(_FILL_ROLLUPS, series, end)
        await admin.execute("vacuum (analyze) analytics_metrics, analytics_aggregations")
    finally:
        await admin.close()
    return venue


async def _timed(
    mesh: Mesh,
    channel: grpc.aio.Channel,
    metadata: tuple[tuple[str, str], ...],
    *,
    venue: str,
    end: datetime,
    attempt: int,
) -> float:
    """Seconds of one read; the page size, which buckets ignore, makes it a new question to the cache."""
    request = series_pb2.ListMetricsRequest(
        venue_id=venue, metric_type="door_scans", granularity="hour", page_size=attempt
    )
    request.start_date.FromDatetime(end - timedelta(days=_DAYS))
    request.end_date.FromDatetime(end)
    method = mesh.method(channel, _LIST)
    started = time.perf_counter()
    answer = series_pb2.ListMetricsResponse.FromString(
        await method(request.SerializeToString(), metadata=metadata)
    )
    elapsed = time.perf_counter() - started
    assert sum(bucket.count for bucket in answer.buckets) in (_FEW, _MANY)
    return elapsed
