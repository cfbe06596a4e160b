"""A cached ListMetrics through the whole pipeline against a no-op unary echo; 32 callers each."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tickettoken.metrics.v1 import recording_pb2, series_pb2

from benchmarks.load import CALLERS, compared, echo
from benchmarks.mesh import Mesh
from benchmarks.report import Result

NAME = "cached-read"
_RECORD = "/tickettoken.metrics.v1.MetricsService/RecordMetric"
_LIST = "/tickettoken.metrics.v1.MetricsService/ListMetrics"


async def run(mesh: Mesh) -> Sequence[Result]:
    venue = str(uuid4())
    metadata = mesh.metadata(uuid4())
    now = datetime.now(UTC)
    request = series_pb2.ListMetricsRequest(venue_id=venue, metric_type="door_scans", granularity="hour")
    request.start_date.FromDatetime(now - timedelta(hours=24))
    request.end_date.FromDatetime(now)
    payload = request.SerializeToString()
    async with mesh.channel() as channel, echo(payload) as echoed:
        metric = recording_pb2.RecordMetricRequest(metric_type="door_scans", value=1.0, venue_id=venue)
        await mesh.method(channel, _RECORD)(metric.SerializeToString(), metadata=metadata)
        method = mesh.method(channel, _LIST)
        answer = series_pb2.ListMetricsResponse.FromString(await method(payload, metadata=metadata))
        assert len(answer.buckets) >= 24
        yardstick, read = await compared(echoed, lambda: method(payload, metadata=metadata))
    return [
        Result(
            f"cached ListMetrics of {len(answer.buckets)} buckets, {CALLERS} callers",
            f"{read:,.0f} reads/s",
            f"{yardstick:,.0f} echoes/s",
            read / yardstick,
            0.5,
        )
    ]
