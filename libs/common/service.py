"""Runs a domain service: a half of it, or both in one process, from the first log line to the last."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Protocol

from libs.common.auth.tokens import TokenVerifier
from libs.common.observability.logging import configure_logging
from libs.common.observability.tracing import configure_tracing
from libs.common.postgres.database import Database
from libs.common.postgres.schema import becomes_current
from libs.common.rpc.idempotency import IdempotencyStore
from libs.common.rpc.ratelimit import RateLimiter
from libs.common.rpc.server import RpcServer
from libs.common.settings import DEFAULT_RATE_LIMITS, StoreSettings
from libs.common.tasks import stopped_by_failures, stopped_by_signals

Check = Callable[[], Awaitable[None]]


class Engines(Protocol):
    """Stores and clients that exist once in a process."""

    @property
    def database(self) -> Database:
        """Of the app role."""

    @property
    def dependencies(self) -> Mapping[str, Check]:
        """What health reports beside the process itself, by name."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class Working(Protocol):
    """The half that consumes events and does jobs."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class Serving(Protocol):
    """The half that answers calls."""

    def add_to(self, server: RpcServer) -> None:
        """Serve every gRPC service of the contract."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def say_goodbye(self, draining: asyncio.Event) -> None:
        """Close streams with their last word when the server begins to drain."""


async def run(
    package: str,
    settings: StoreSettings,
    engines: Engines,
    *,
    working: Callable[[], Working] | None,
    serving: Callable[[], Serving] | None,
) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code.

    The process lives and is not ready, and neither works nor serves, while its database lacks migrations,
    has newer ones, or is away.

    Args:
        package: The service's package, for example "services.metrics"; its last word is the service's name.
        settings: Its settings.
        engines: Not started yet.
        working: Makes the half that works; None: it does not run.
        serving: Makes the half that serves; None: it does not run.
    """
    service = package.rpartition(".")[2]
    configure_logging(service, level=settings.log_level, environment=settings.environment)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        stack.callback(
            configure_tracing(service, environment=settings.environment, endpoint=settings.otlp_endpoint)
        )
        limiter = RateLimiter(
            settings.redis_url.get_secret_value(), DEFAULT_RATE_LIMITS | settings.rate_limits
        )
        stack.push_async_callback(limiter.close)
        server = RpcServer(
            settings=settings,
            service=service,
            verifier=TokenVerifier.from_settings(settings),
            rate_limiter=limiter,
            idempotency=IdempotencyStore(engines.database),
            dependencies=dict(engines.dependencies),
        )
        stack.push_async_callback(server.close)
        await server.answer_probes()
        with stopped_by_signals(stop):
            if not await becomes_current(package, engines.database, stop=stop):
                return 0
        stack.push_async_callback(engines.close)
        await engines.start()
        if working is not None:
            works = working()
            stack.push_async_callback(works.close)
            await works.start()
        if serving is not None:
            serves = serving()
            stack.push_async_callback(serves.close)
            await serves.start()
            serves.add_to(server)
            goodbye = asyncio.create_task(serves.say_goodbye(server.draining))
            stack.callback(goodbye.cancel)
        await server.start()
        with stopped_by_failures(stop):
            await server.serve_until(stop)
    return 0
