"""grpc.health.v1 for the process, its services and its dependencies; on the service port and a plain one."""

from collections.abc import Callable, Iterable, Mapping

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from libs.common.rpc.dependency_report import DependencyCheck, ReportingHealth

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
LIVE = "live"
READY = "ready"


class Health:
    """Health of one process.

    - "" and every service name: started and not draining; balancers send calls accordingly.
    - `live`: the process answers; dependencies never count, so no outage of a store restarts a process.
    - `ready`: started, not draining, and the dependencies that no call can do without are up.
    - `dep/<name>`: the last background check of that dependency.

    Args:
        checks: The latest checks, which `List` tells in full.
    """

    def __init__(self, checks: Callable[[], Mapping[str, DependencyCheck]]) -> None:
        self._servicer = ReportingHealth(checks)
        self._services: tuple[str, ...] = ("",)
        self._is_started = False
        self._is_draining = False

    async def declare(self, services: Iterable[str], dependencies: Iterable[str]) -> None:
        """Name everything that has a health, before the first question; only liveness is serving yet."""
        self._services = ("", *services)
        await self._set(LIVE, is_serving=True)
        for name in (*self._services, READY, *(f"dep/{name}" for name in dependencies)):
            await self._set(name, is_serving=False)

    def add_to(self, server: grpc.aio.Server) -> None:
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def started(self) -> None:
        self._is_started = True
        for name in self._services:
            await self._set(name, is_serving=True)

    async def draining(self) -> None:
        """Stop being ready and serving; liveness and dependencies go on telling the truth."""
        self._is_draining = True
        for name in (*self._services, READY):
            await self._set(name, is_serving=False)

    async def dependency(self, name: str, *, is_up: bool) -> None:
        await self._set(f"dep/{name}", is_serving=is_up)

    async def ready(self, *, are_dependencies_up: bool) -> None:
        is_ready = self._is_started and not self._is_draining and are_dependencies_up
        await self._set(READY, is_serving=is_ready)

    async def _set(self, name: str, *, is_serving: bool) -> None:
        await self._servicer.set(name, SERVING if is_serving else NOT_SERVING)
