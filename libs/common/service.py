"""Runs a domain service: a half of it, or both in one process, from the first log line to the last."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Protocol

from libs.common.auth.tokens import TokenVerifier
from libs.common.observability.logging import configure_logging
from libs.common.observability.tracing import configure_tracing
from libs.common.postgres.database import Database
from libs.common.rpc.idempotency import IdempotencyStore
from libs.common.rpc.ratelimit import RateLimiter
from libs.common.rpc.server import RpcServer
from libs.common.settings import DEFAULT_RATE_LIMITS, StoreSettings
from libs.common.tasks import stopped_by_failures

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
    service: str,
    settings: StoreSettings,
    engines: Engines,
    *,
    working: Callable[[], Working] | None,
    serving: Callable[[], Serving] | None,
) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code.

    Args:
        service: The service's name, for example "metrics".
        settings: Its settings.
        engines: Not started yet.
        working: Makes the half that works; None: it does not run.
        serving: Makes the half that serves; None: it does not run.
    """
    configure_logging(service, level=settings.log_level, environment=settings.environment)
    async with AsyncExitStack() as stack:
        stack.callback(
            configure_tracing(service, environment=settings.environment, endpoint=settings.otlp_endpoint)
        )
        stack.push_async_callback(engines.close)
        await engines.start()
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
        stack.push_async_callback(server.close)
        await server.start()
        stop = asyncio.Event()
        with stopped_by_failures(stop):
            await server.serve_until(stop)
    return 0
