"""An edge before the metrics service, and sockets that follow venues through it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from deploy.local.credentials import AUDIENCE, ISSUER
from gateway.edge.bootstrap import Edge
from gateway.edge.settings import EdgeSettings


class Socket:
    """A socket and everything it said, as parsed JSON."""

    def __init__(self, connection):
        self.connection = connection
        self.messages = []

    async def next(self):
        message = json.loads(await self.connection.recv())
        self.messages.append(message)
        return message

    async def until(self, condition):
        """The first message that fulfils the condition."""
        while not condition(message := await self.next()):
            pass
        return message

    async def snapshot(self):
        """All metrics before snapshotComplete, and that message."""
        done = await self.until(lambda message: "snapshotComplete" in message)
        return {one["metricType"]: one for m in self.messages for one in m["updates"]}, done

    async def figure(self, metric_type, total):
        """The message in which the hour's sum of a metric reaches a total."""
        return await self.until(lambda message: sums(message).get(metric_type) == total)


def sums(message):
    """The hour's sum of each metric that a message tells."""
    return {one["metricType"]: one["windows"][-1]["sum"] for one in message["updates"]}


class RunningEdge:
    """The edge in this process, and how to open sockets on it."""

    def __init__(self, edge):
        self.edge = edge

    @asynccontextmanager
    async def follow(self, venue, token, *, query="", **options) -> AsyncIterator[Socket]:
        address = f"ws://127.0.0.1:{self.edge.http.port}/api/realtime/venue/{venue}/subscribe{query}"
        options.setdefault("subprotocols", ["tickettoken.v1", f"bearer.{token}"])
        async with connect(address, **options) as connection:
            yield Socket(connection)


@asynccontextmanager
async def running_edge(process, redis_url, *, target=None, **settings) -> AsyncIterator[RunningEdge]:
    """An edge that trusts what a metrics process trusts, and stands before it."""
    edge = Edge(
        EdgeSettings(
            jwks=str(process.credentials.jwks),
            internal_jwks=str(process.credentials.internal_jwks),
            jwt_issuer=ISSUER,
            jwt_audience=AUDIENCE,
            identity_key_path=str(process.credentials.identity_key("metrics")),
            redis_url=redis_url,
            drain_seconds=0.2,
            drain_notice_seconds=0,
            upstreams={"metrics": target or f"127.0.0.1:{process.port}"},
            descriptors=Path("gen/descriptors.binpb"),
            **settings,
        )
    )
    await edge.start()
    try:
        yield RunningEdge(edge)
    finally:
        await edge.close()


@pytest.fixture
async def edge(metrics_process, redis_url):
    async with running_edge(metrics_process, redis_url, socket_heartbeat_seconds=1) as edge:
        yield edge
