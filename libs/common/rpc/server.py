"""The gRPC server of a process: one pipeline, health, reflection, probes, metrics, and an orderly end."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import grpc
import structlog
from google.protobuf import descriptor_pb2  # noqa: F401 - reflection answers with it
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection

from libs.common.auth.tokens import TokenVerifier
from libs.common.observability.access import access_log
from libs.common.observability.prometheus import MetricsEndpoint
from libs.common.rpc.admission import Admission, Limiter
from libs.common.rpc.claims import AnswerStore
from libs.common.rpc.client_address import ClientAddresses
from libs.common.rpc.credentials import server_credentials
from libs.common.rpc.dependencies import Dependencies
from libs.common.rpc.dependency_report import DependencyCheck
from libs.common.rpc.health import Health
from libs.common.rpc.pipeline import Pipeline
from libs.common.rpc.registration import Registration, UnknownMethods
from libs.common.settings import ProcessSettings
from libs.common.tasks import stopped_by_signals

_log = structlog.get_logger(__name__)

_CRITICAL = frozenset({"postgres"})


class RpcServer:
    """Serves servicers until it is told to stop.

    Args:
        settings: Addresses, TLS files, deadlines.
        service: Name of the process in logs.
        verifier: Turns tokens into callers.
        rate_limiter: Counts calls; None means no limits.
        idempotency: Keeps answers to idempotency keys; None for a process that owns no database.
        dependencies: Checks by name, for `dep/<name>` and readiness.
        critical: Dependencies without which the process is not ready.
    """

    def __init__(
        self,
        *,
        settings: ProcessSettings,
        service: str,
        verifier: TokenVerifier,
        rate_limiter: Limiter | None,
        idempotency: AnswerStore | None,
        dependencies: Mapping[str, Callable[[], Awaitable[None]]],
        critical: Collection[str] = _CRITICAL,
    ) -> None:
        self._settings = settings
        self._service = service
        self._pipeline = Pipeline(
            admission=Admission(
                verifier=verifier,
                rate_limiter=rate_limiter,
                addresses=ClientAddresses(settings.trusted_proxies),
            ),
            answers=idempotency,
            default_deadline=settings.default_deadline_seconds,
            longest_deadline=settings.longest_deadline_seconds,
        )
        self._registration = Registration()
        self._health = Health(self.latest_checks)
        self._critical = frozenset(critical)
        self.dependencies = Dependencies(dependencies, self._dependency_changed)
        self._dependency_names = tuple(dependencies)
        self._server = grpc.aio.server(options=_options(settings))
        self._probes = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        self._answers_probes = False
        self._metrics: MetricsEndpoint | None = None
        self.port = self.probe_port = self.metrics_port = 0
        self.draining = asyncio.Event()

    def add(self, register: Callable[[Any, Any], None], servicer: object) -> None:
        """Serve a servicer; `register` is the generated `add_XServicer_to_server`."""
        self._registration.add(register, servicer)

    async def answer_probes(self) -> None:
        """Tell probes that the process lives and is not ready; for a start that has to wait for something."""
        if self._answers_probes:
            return
        self._answers_probes = True
        await self._health.declare((), self._dependency_names)
        self._health.add_to(self._probes)
        self.probe_port = self._probes.add_insecure_port(self._settings.probe_address)
        await self._probes.start()

    async def start(self) -> int:
        """Begin to serve.

        Returns:
            The port that was bound.

        Raises:
            ContractRefused: A method does not say who may call it, or a rule of its request is broken.
        """
        for name, handlers in self._registration.wrapped(self._pipeline).items():
            self._server.add_registered_method_handlers(name, handlers)
        await self.answer_probes()
        names = tuple(self._registration.services)
        await self._health.declare(names, self._dependency_names)
        self._health.add_to(self._server)
        reflection.enable_server_reflection(
            (*names, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server
        )
        self._server.add_generic_rpc_handlers((UnknownMethods(),))
        self.port = self._bind()
        self._metrics = MetricsEndpoint.open(self._settings.metrics_address)
        self.metrics_port = self._metrics.port
        await self.dependencies.start()
        await self._server.start()
        await self._health.started()
        await self._tell_readiness()
        _log.info("serving", port=self.port, probe_port=self.probe_port, metrics_port=self.metrics_port)
        return self.port

    async def serve_until(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set or the process gets SIGTERM or SIGINT, then drain and close."""
        try:
            with stopped_by_signals(stop):
                await stop.wait()
        finally:
            await self.close()

    async def close(self) -> None:
        """Report NOT_SERVING, let calls in progress end within the drain time, and release the ports.

        `draining` is set first, so that streams can say their closing words.
        """
        if self.draining.is_set():
            return
        self.draining.set()
        _log.info("draining", seconds=self._settings.drain_seconds)
        await self._health.draining()
        await asyncio.sleep(self._settings.drain_notice_seconds)
        await self._server.stop(self._settings.drain_seconds)
        await self.dependencies.stop()
        await self._probes.stop(0)
        if self._metrics is not None:
            await asyncio.to_thread(self._metrics.close)
        if (log := access_log()) is not None:
            log.flush()
        _log.info("stopped")

    def _bind(self) -> int:
        credentials = server_credentials(self._settings)
        if credentials is None:
            return self._server.add_insecure_port(self._settings.listen_address)
        return self._server.add_secure_port(self._settings.listen_address, credentials)

    async def _dependency_changed(self, name: str, is_up: bool) -> None:  # noqa: FBT001 - called by position
        await self._health.dependency(name, is_up=is_up)
        await self._tell_readiness()

    def latest_checks(self) -> dict[str, DependencyCheck]:
        """The last check of each dependency, by name."""
        return {
            name: DependencyCheck(
                is_up=state.is_up,
                is_required=name in self._critical,
                latency_ms=round(state.seconds * 1000, 2),
                checked_at=datetime.fromtimestamp(state.checked_at, UTC),
                failure=state.failure,
            )
            for name, state in self.dependencies.states.items()
        }

    async def _tell_readiness(self) -> None:
        await self._health.ready(are_dependencies_up=self.dependencies.all_up(self._critical))


def _options(settings: ProcessSettings) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", settings.largest_request_bytes),
        ("grpc.max_send_message_length", 64 << 20),
        ("grpc.max_metadata_size", 32 << 10),
        ("grpc.so_reuseport", 0),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ]
