"""Joins the edge's servicers and pages to what they need, and runs them."""

import asyncio
import json
from functools import partial

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_health.v1 import health_pb2
from tickettoken.gateway.v1 import cache_service_pb2_grpc, health_service_pb2_grpc

from gateway.edge.cache.servicer import CacheServicer
from gateway.edge.health.board import Board
from gateway.edge.health.servicer import HealthServicer
from gateway.edge.health.watch import HealthWatch
from gateway.edge.limits import HealthIsFree
from gateway.edge.live.socket import socket_class
from gateway.edge.live.sockets import LiveLimits, LiveSockets
from gateway.edge.pages.app import application
from gateway.edge.pages.server import HttpServer
from gateway.edge.settings import EdgeSettings
from gateway.edge.version import VERSION
from gateway.openapi import document
from libs.common import redis
from libs.common.auth.tokens import TokenVerifier
from libs.common.cache.administration import CacheAdministration
from libs.common.observability.logging import configure_logging
from libs.common.observability.tracing import configure_tracing
from libs.common.rpc.channel import connect
from libs.common.rpc.ratelimit import RateLimiter
from libs.common.rpc.server import RpcServer
from libs.common.settings import DEFAULT_RATE_LIMITS

SERVICE = "edge"
_HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name


class Edge:
    """The edge process: gRPC, pages, and the watch over the mesh."""

    def __init__(self, settings: EdgeSettings) -> None:
        self._redis = redis.connect(settings.redis_url.get_secret_value(), application_name=SERVICE)
        self._limiter = RateLimiter(
            settings.redis_url.get_secret_value(), DEFAULT_RATE_LIMITS | settings.rate_limits
        )
        self._channels = {name: _channel(target, settings) for name, target in settings.upstreams.items()}
        board = Board((SERVICE, *self._channels))
        verifier = TokenVerifier.from_settings(settings)
        self.rpc = RpcServer(
            settings=settings,
            service=SERVICE,
            verifier=verifier,
            rate_limiter=HealthIsFree(self._limiter),
            idempotency=None,
            dependencies={"redis": partial(redis.check, self._redis)},
            critical=(),
        )
        self._watch = HealthWatch(
            self._channels,
            board,
            own=(SERVICE, self.rpc.latest_checks),
            interval_seconds=settings.check_interval_seconds,
            timeout_seconds=settings.check_timeout_seconds,
        )
        health = HealthServicer(board, verifier, is_draining=self.rpc.draining.is_set)
        self.rpc.add(health_service_pb2_grpc.add_HealthServiceServicer_to_server, health)
        caches = CacheServicer(CacheAdministration(self._redis))
        self.rpc.add(cache_service_pb2_grpc.add_CacheServiceServicer_to_server, caches)
        self._live = LiveSockets(self._channels.get("metrics"), verifier, _live_limits(settings))
        self._goodbye: asyncio.Task[None] | None = None
        self.http = HttpServer(
            application(_documentation(settings)), settings.http_address, upgraded=socket_class(self._live)
        )

    async def start(self) -> None:
        """Begin to serve on every address."""
        self._live.start()
        await self.http.start()
        await self.rpc.start()
        self._watch.start()
        self._goodbye = asyncio.create_task(self._say_goodbye())

    async def close(self) -> None:
        """Drain, then release everything."""
        await self.rpc.close()
        if self._goodbye is not None:
            await self._goodbye
        await self.http.close()
        await self._live.stop()
        await self._watch.stop()
        for channel in self._channels.values():
            await channel.close()
        await self._limiter.close()
        await self._redis.aclose()

    async def _say_goodbye(self) -> None:
        """Close the sockets in order as soon as the process begins to drain."""
        await self.rpc.draining.wait()
        self._live.drain()


async def serve(settings: EdgeSettings) -> None:
    """Run until SIGTERM or SIGINT."""
    configure_logging(SERVICE, level=settings.log_level, environment=settings.environment)
    stop_tracing = configure_tracing(
        SERVICE, environment=settings.environment, endpoint=settings.otlp_endpoint
    )
    edge = Edge(settings)
    try:
        await edge.start()
        await edge.rpc.serve_until(asyncio.Event())
    finally:
        await edge.close()
        stop_tracing()


def _documentation(settings: EdgeSettings) -> bytes:
    contract = FileDescriptorSet.FromString(settings.descriptors.read_bytes())
    return json.dumps(document(contract, version=VERSION)).encode()


def _live_limits(settings: EdgeSettings) -> LiveLimits:
    return LiveLimits(
        origins=settings.socket_origins,
        most_sockets=settings.most_sockets,
        heartbeat_seconds=settings.socket_heartbeat_seconds,
        slow_reader_seconds=settings.slow_reader_seconds,
    )


def _channel(target: str, settings: EdgeSettings) -> grpc.aio.Channel:
    return connect(target, settings=settings, identity=None, services=[_HEALTH])
