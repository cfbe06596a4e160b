"""RecordMetric, one durable row a call, against a no-op unary echo; 32 callers each."""

from collections.abc import Sequence
from uuid import uuid4

from tickettoken.metrics.v1 import recording_pb2

from benchmarks.load import CALLERS, compared, echo
from benchmarks.mesh import Mesh
from benchmarks.report import Result

NAME = "record"
_RECORD = "/tickettoken.metrics.v1.MetricsService/RecordMetric"


async def run(mesh: Mesh) -> Sequence[Result]:
    request = recording_pb2.RecordMetricRequest(
        metric_type="door_scans",
        value=1.0,
        venue_id=str(uuid4()),
        dimensions={"gate": "north", "channel": "web"},
    ).SerializeToString()
    metadata = mesh.metadata(uuid4())
    async with mesh.channel() as channel, echo(request) as echoed:
        method = mesh.method(channel, _RECORD)
        yardstick, recorded = await compared(echoed, lambda: method(request, metadata=metadata))
    return [
        Result(
            f"RecordMetric, {CALLERS} callers",
            f"{recorded:,.0f} durable rows/s",
            f"{yardstick:,.0f} echoes/s",
            recorded / yardstick,
            0.35,
        )
    ]
