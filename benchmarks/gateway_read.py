"""The cached read as JSON through Envoy against the same read by direct gRPC; 32 callers each."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import uuid4

from tickettoken.metrics.v1 import recording_pb2, series_pb2

from benchmarks.load import CALLERS, compared
from benchmarks.mesh import Mesh
from benchmarks.report import Result

NAME = "gateway-read"
_RECORD = "/tickettoken.metrics.v1.MetricsService/RecordMetric"
_LIST = "/tickettoken.metrics.v1.MetricsService/ListMetrics"
_LENGTH: Final = b"content-length: "


class JsonCalls:
    """One prepared GET over kept connections: as thin as the stub, so that the gateway is measured."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def connect(self, address: tuple[str, int]) -> None:
        self._idle = [await asyncio.open_connection(*address) for _ in range(CALLERS)]

    async def call(self) -> bytes:
        """The answer's body; anything but 200 is an error."""
        reader, writer = connection = self._idle.pop()
        writer.write(self._request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        start = head.index(_LENGTH) + len(_LENGTH)
        body = await reader.readexactly(int(head[start : head.index(b"\r", start)]))
        self._idle.append(connection)
        return body

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


@asynccontextmanager
async def json_calls(address: tuple[str, int], request: bytes) -> AsyncIterator[JsonCalls]:
    calls = JsonCalls(request)
    await calls.connect(address)
    try:
        yield calls
    finally:
        calls.close()


async def run(mesh: Mesh) -> Sequence[Result]:
    venue = str(uuid4())
    metadata = mesh.metadata(uuid4())
    end = datetime.now(UTC).replace(microsecond=0)
    start = end - timedelta(hours=24)
    request = series_pb2.ListMetricsRequest(venue_id=venue, metric_type="door_scans", granularity="hour")
    request.start_date.FromDatetime(start)
    request.end_date.FromDatetime(end)
    payload = request.SerializeToString()
    query = urlencode(
        {
            "metricType": "door_scans",
            "granularity": "hour",
            "startDate": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "endDate": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        }
    )
    get = (
        f"GET /api/metrics/{venue}?{query} HTTP/1.1\r\nhost: {mesh.gateway[0]}:{mesh.gateway[1]}\r\n"
        f"{metadata[0][0]}: {metadata[0][1]}\r\n\r\n"
    )
    async with mesh.channel() as channel, json_calls(mesh.gateway, get.encode()) as gateway:
        metric = recording_pb2.RecordMetricRequest(metric_type="door_scans", value=1.0, venue_id=venue)
        await mesh.method(channel, _RECORD)(metric.SerializeToString(), metadata=metadata)
        method = mesh.method(channel, _LIST)
        direct, through = await compared(lambda: method(payload, metadata=metadata), gateway.call)
    return [
        Result(
            f"cached ListMetrics as JSON through Envoy, {CALLERS} callers",
            f"{through:,.0f} reads/s",
            f"{direct:,.0f} reads/s by direct gRPC",
            through / direct,
            0.75,
        )
    ]
