"""Closed-loop load on one unary method: a number of callers, each with one call in flight."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import grpc

from benchmarks.echo_server import METHOD
from benchmarks.mesh import Mesh
from deploy.local.ports import free_port

Call = Callable[[], Awaitable[bytes]]

CALLERS = 32


async def calls_per_second(call: Call, *, callers: int = CALLERS, seconds: float = 3.0) -> float:
    """Answered calls a second; every answer must be an answer, or the call's error is raised."""
    give_up_at = time.perf_counter() + seconds
    answered = 0

    async def caller() -> None:
        nonlocal answered
        while time.perf_counter() < give_up_at:
            assert await call() is not None
            answered += 1

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return answered / (time.perf_counter() - started)


@asynccontextmanager
async def echo(payload: bytes) -> AsyncIterator[Call]:
    """A call of a no-op echo server in a process of its own."""
    port = free_port()
    server = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.echo_server", str(port))
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            await asyncio.wait_for(channel.channel_ready(), 10)
            method = Mesh.method(channel, METHOD)
            yield lambda: method(payload)
    finally:
        server.terminate()
        await server.wait()


async def compared(yardstick: Call, subject: Call, *, rounds: int = 4) -> tuple[float, float]:
    """Calls a second of both, measured by turns so that a slow moment of the machine hits both; medians."""
    first, second = [], []
    for call in (yardstick, subject):
        await calls_per_second(call, seconds=1.5)
    for _ in range(rounds):
        first.append(await calls_per_second(yardstick))
        second.append(await calls_per_second(subject))
    return sorted(first)[rounds // 2], sorted(second)[rounds // 2]
