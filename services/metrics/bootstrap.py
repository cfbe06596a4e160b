"""Runs what was asked for: a half of the service, or both in one process."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial

from libs.common import redis
from libs.common.auth.tokens import TokenVerifier
from libs.common.observability.logging import configure_logging
from libs.common.observability.tracing import configure_tracing
from libs.common.rpc.idempotency import IdempotencyStore
from libs.common.rpc.ratelimit import RateLimiter
from libs.common.rpc.server import RpcServer
from libs.common.settings import DEFAULT_RATE_LIMITS
from libs.common.tasks import stopped_by_failures
from services.metrics.engines import SERVICE, Engines
from services.metrics.serving import Serving
from services.metrics.settings import MetricsSettings
from services.metrics.working import Working


async def run(settings: MetricsSettings, *, serves: bool, works: bool) -> None:
    """Run a half, or both in one process, until SIGTERM or SIGINT."""
    configure_logging(SERVICE, level=settings.log_level, environment=settings.environment)
    stop_tracing = configure_tracing(
        SERVICE, environment=settings.environment, endpoint=settings.otlp_endpoint
    )
    async with AsyncExitStack() as stack:
        stack.callback(stop_tracing)
        engines = Engines(settings)
        stack.push_async_callback(engines.close)
        await engines.start()
        limiter = RateLimiter(
            settings.redis_url.get_secret_value(), DEFAULT_RATE_LIMITS | settings.rate_limits
        )
        stack.push_async_callback(limiter.close)
        server = RpcServer(
            settings=settings,
            service=SERVICE,
            verifier=TokenVerifier.from_settings(settings),
            rate_limiter=limiter,
            idempotency=IdempotencyStore(engines.database),
            dependencies={
                "postgres": engines.database.check,
                "redis": partial(redis.check, engines.redis),
                "bus": engines.bus.check,
                "mongo": engines.raw_events.check,
                **({} if engines.influx is None else {"influx": engines.influx.check}),
            },
        )
        if works:
            working = Working(engines)
            stack.push_async_callback(working.close)
            await working.start()
        if serves:
            serving = Serving(engines)
            stack.push_async_callback(serving.close)
            await serving.start()
            serving.add_to(server)
            goodbye = asyncio.create_task(serving.say_goodbye(server.draining))
            stack.callback(goodbye.cancel)
        stack.push_async_callback(server.close)
        await server.start()
        stop = asyncio.Event()
        with stopped_by_failures(stop):
            await server.serve_until(stop)
