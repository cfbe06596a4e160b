"""One update of a venue to 100 WebSocket subscribers against a bare broadcast of the same bytes."""

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from tickettoken.metrics.v1 import live_pb2
from websockets.frames import Frame, Opcode

from benchmarks.fanout import bare_server, compared, metrics, next_tick, subscribers, to_input
from benchmarks.feed import record
from benchmarks.mesh import Mesh
from benchmarks.report import Result
from deploy.local.ports import free_port
from gateway.edge.live.frames import frame_of
from libs.common.redis import connect
from services.metrics.live.feed import FeedName, Feeds

NAME = "feed-sockets"
_SUBSCRIBERS: Final = 100


async def run(mesh: Mesh) -> Sequence[Result]:
    tenant, venue = uuid4(), uuid4()
    await record(mesh, tenant, venue, "metric_0")
    port, changed = free_port(), metrics(1000)
    redis = connect(mesh.stack.stores.redis_url)
    feeds, name = Feeds(redis, length=4096), FeedName(tenant, venue)

    async def publish() -> None:
        await feeds.publish({name: next_tick(changed)})

    token = mesh.metadata(tenant)[0][1].removeprefix("Bearer ")
    path = f"/api/realtime/venue/{venue}/subscribe"
    edge = mesh.stack.services()[-1].start()
    try:
        async with (
            bare_server("sockets", port) as server,
            subscribers("sockets", str(port), "/", str(_SUBSCRIBERS)) as bare,
            subscribers(
                "sockets", str(mesh.stack.ports["edge_http"]), path, str(_SUBSCRIBERS), "--token", token
            ) as followers,
        ):
            yardstick, delivered = await compared(
                (to_input(server, _text()), bare), (publish, followers), _SUBSCRIBERS
            )
    finally:
        edge.stop()
        await redis.aclose()
    return [
        Result(
            f"one update to {_SUBSCRIBERS} WebSocket subscribers",
            f"{delivered:,.0f} messages/s",
            f"{yardstick:,.0f} messages/s of a bare broadcast",
            delivered / yardstick,
            0.7,
        )
    ]


def _text() -> bytes:
    """The same bytes as the edge sends, without the frame's head."""
    message = live_pb2.WatchVenueMetricsResponse(
        resume_token="x" * 80, position=1 << 60, updates=metrics(1000)
    )
    frame = frame_of(message)
    body = frame[4:]
    assert Frame(Opcode.TEXT, body).serialize(mask=False) == frame
    return body
