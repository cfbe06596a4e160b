"""Looks at every service in the background, so that asking about health costs nothing and never adds load."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.edge.health.board import Board, report_of, report_of_silence
from libs.common.rpc.dependency_report import KEY, DependencyCheck, read_checks
from libs.common.rpc.health import READY, SERVING
from libs.common.tasks import ended

_log = structlog.get_logger(__name__)

# While a service is down, its return is noticed this soon: a starting mesh becomes ready without a long wait.
_SOON_SECONDS = 0.5


class HealthWatch:
    """One task a service.

    Args:
        channels: Channel to each service, by its name.
        board: Where reports go.
        own: Name of this process, and its latest checks.
        interval_seconds: Time between two looks at a service that is up.
        timeout_seconds: Longest time an answer may take.
    """

    def __init__(
        self,
        channels: Mapping[str, grpc.aio.Channel],
        board: Board,
        *,
        own: tuple[str, Callable[[], Mapping[str, DependencyCheck]]],
        interval_seconds: float,
        timeout_seconds: float,
    ) -> None:
        self._channels = channels
        self._board = board
        self._own_name, self._own_checks = own
        self._interval = interval_seconds
        self._timeout = timeout_seconds
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._watch(name)) for name in self._channels]
        self._tasks.append(asyncio.create_task(self._watch_itself()))

    async def stop(self) -> None:
        await ended(*self._tasks)

    async def _watch(self, service: str) -> None:
        stub = health_pb2_grpc.HealthStub(self._channels[service])
        was_up = None
        while True:
            is_up = await self._look(service, stub)
            if is_up is not was_up and was_up is not None:
                _log.info("service is ready" if is_up else "service is not ready", upstream=service)
            was_up = is_up
            await asyncio.sleep(self._interval if is_up else min(_SOON_SECONDS, self._interval))

    async def _watch_itself(self) -> None:
        while True:
            checks = self._own_checks()
            now = datetime.now(UTC)
            report = report_of(self._own_name, is_ready=True, latency_ms=0.0, now=now, stores=checks)
            self._board.post(self._own_name, report)
            await asyncio.sleep(_SOON_SECONDS)

    async def _look(self, service: str, stub: health_pb2_grpc.HealthStub) -> bool:
        """Ask once and post the report; whether the service is ready."""
        started = time.monotonic()
        now = datetime.now(UTC)
        try:
            call = stub.List(health_pb2.HealthListRequest(), timeout=self._timeout)
            metadata = await call.initial_metadata()
            statuses = (await call).statuses
        except grpc.aio.AioRpcError as error:
            known = self._board.known(service)
            self._board.post(service, report_of_silence(service, known, now=now, detail=error.code().name))
            return False
        is_ready = READY in statuses and statuses[READY].status == SERVING
        checks = read_checks(str(dict(metadata).get(KEY, "")))
        report = report_of(
            service,
            is_ready=is_ready,
            latency_ms=(time.monotonic() - started) * 1000,
            now=now,
            stores=checks,
        )
        self._board.post(service, report)
        return is_ready
