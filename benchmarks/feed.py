"""One update of a venue to 1,000 gRPC subscribers against a bare grpc.aio server stream of the same bytes."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID, uuid4

from tickettoken.metrics.v1 import live_pb2, recording_pb2

from benchmarks.fanout import bare_server, compared, line, metrics, next_tick, subscribers, to_input
from benchmarks.fanout_server import METHOD
from benchmarks.mesh import Mesh
from benchmarks.report import Result
from deploy.local.ports import free_port
from libs.common.redis import connect
from services.metrics.live.feed import FeedName, Feeds

NAME = "feed"
_SUBSCRIBERS: Final = 1000
_UPDATES_A_SECOND: Final = 100
_SECONDS: Final = 10
_WATCH = "/tickettoken.metrics.v1.RealtimeService/WatchVenueMetrics"
_RECORD = "/tickettoken.metrics.v1.MetricsService/RecordMetric"


async def run(mesh: Mesh) -> Sequence[Result]:
    # Two venues: the first one's feed is told versions that its metrics never reach.
    tenant, crowded, busy = uuid4(), uuid4(), uuid4()
    for venue in (crowded, busy):
        await record(mesh, tenant, venue, "metric_0")
    return [await _fan_out(mesh, tenant, crowded), await _latency(mesh, tenant, busy)]


async def _fan_out(mesh: Mesh, tenant: UUID, venue: UUID) -> Result:
    port, changed = free_port(), metrics(1000)
    redis = connect(mesh.stack.stores.redis_url)
    feeds, name = Feeds(redis, length=4096), FeedName(tenant, venue)

    async def publish() -> None:
        await feeds.publish({name: next_tick(changed)})

    message = live_pb2.WatchVenueMetricsResponse(
        resume_token="x" * 80, updates=metrics(1000)
    ).SerializeToString()
    async with (
        bare_server("streams", port) as server,
        subscribers("streams", str(port), METHOD, str(_SUBSCRIBERS)) as bare,
        subscribers(*watching(mesh, tenant, venue)) as watchers,
    ):
        yardstick, delivered = await compared(
            (to_input(server, message), bare), (publish, watchers), _SUBSCRIBERS
        )
    await redis.aclose()
    return Result(
        f"one update to {_SUBSCRIBERS:,} gRPC subscribers",
        f"{delivered:,.0f} messages/s",
        f"{yardstick:,.0f} messages/s of a bare server stream",
        delivered / yardstick,
        0.5,
    )


async def _latency(mesh: Mesh, tenant: UUID, venue: UUID) -> Result:
    """Seconds from the start of a recording transaction to its receipt, the feed's tick included."""
    async with (
        mesh.channel() as channel,
        subscribers(*watching(mesh, tenant, venue), "--latency") as watchers,
    ):
        method, metadata = mesh.method(channel, _RECORD), mesh.metadata(tenant)
        calls = []
        for number in range(_UPDATES_A_SECOND * _SECONDS):
            request = recording_pb2.RecordMetricRequest(
                metric_type=f"metric_{number % 10}", value=1.0, venue_id=str(venue)
            )
            calls.append(asyncio.ensure_future(method(request.SerializeToString(), metadata=metadata)))
            await asyncio.sleep(1 / _UPDATES_A_SECOND)
        await asyncio.gather(*calls)
        await asyncio.sleep(2)
        assert watchers.stdin is not None
        watchers.stdin.write(b"\n")
        seconds = float(await line(watchers))
    return Result(
        f"99th percentile from commit to {_SUBSCRIBERS:,} subscribers at {_UPDATES_A_SECOND} updates/s",
        f"{seconds * 1000:,.0f} ms",
        "1,000 ms",
        seconds,
        1.0,
        at_most=True,
    )


async def record(mesh: Mesh, tenant: UUID, venue: UUID, metric_type: str) -> None:
    """One value of a live metric, which also makes the venue known."""
    async with mesh.channel() as channel:
        metric = recording_pb2.RecordMetricRequest(metric_type=metric_type, value=1.0, venue_id=str(venue))
        await mesh.method(channel, _RECORD)(metric.SerializeToString(), metadata=mesh.metadata(tenant))


def watching(mesh: Mesh, tenant: UUID, venue: UUID) -> Sequence[str]:
    """Arguments of the clients that watch the venue."""
    request = live_pb2.WatchVenueMetricsRequest(venue_id=str(venue)).SerializeToString().hex()
    token = mesh.metadata(tenant)[0][1].removeprefix("Bearer ")
    port = mesh.target.rpartition(":")[2]
    return ["streams", port, _WATCH, str(_SUBSCRIBERS), "--request", request, "--token", token]
