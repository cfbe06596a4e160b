"""Runs what was asked for: a half of the service, or both in one process."""

import argparse
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
from services.metrics.settings import MetricsSettings


async def serve(settings: MetricsSettings, _arguments: argparse.Namespace) -> int:
    """Answer calls until SIGTERM or SIGINT; returns the exit code."""
    return await _run(settings, serves=True, works=False)


async def work(settings: MetricsSettings, _arguments: argparse.Namespace) -> int:
    """Consume events, relay and do jobs until SIGTERM or SIGINT; returns the exit code."""
    return await _run(settings, serves=False, works=True)


async def serve_and_work(settings: MetricsSettings, _arguments: argparse.Namespace) -> int:
    """Both in one process until SIGTERM or SIGINT; returns the exit code."""
    return await _run(settings, serves=True, works=True)


async def _run(settings: MetricsSettings, *, serves: bool, works: bool) -> int:
    """A half that does not run is not imported: it would cost memory and time at every start."""
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
            from services.metrics.working import Working

            working = Working(engines)
            stack.push_async_callback(working.close)
            await working.start()
        if serves:
            from services.metrics.serving import Serving

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
    return 0
