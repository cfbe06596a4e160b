"""Throughput of fan-out: updates to many subscribers, with a few always under way, on both sides alike.

An update is offered as soon as the one `UNDER_WAY` places before it has reached every subscriber. So the
sender always has work, what waits for ticks and round trips is not counted, and nothing is conflated: every
subscriber gets every update as a message of its own, and a line of the subscribers stands for one message to
each of them.
"""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from tickettoken.metrics.v1 import live_pb2

_START_SECONDS = 60.0
ROUND_SECONDS = 3.0
ROUNDS = 4
UNDER_WAY = 8

Publish = Callable[[], Awaitable[None]]


def metrics(version: int) -> list[live_pb2.LiveMetric]:
    """What one tick of a venue's day changes: ten metrics."""
    changed = []
    now = datetime.now(UTC)
    for number in range(10):
        metric = live_pb2.LiveMetric(metric_type=f"metric_{number}", version=version)
        metric.updated_time.FromDatetime(now)
        for minutes in (1, 5, 60):
            window = metric.windows.add(
                minutes=minutes, count=version, sum=version * 2.5, min=1, max=4, avg=2.5
            )
            window.start_time.FromDatetime(now.replace(second=0, microsecond=0))
        changed.append(metric)
    return changed


def next_tick(changed: list[live_pb2.LiveMetric]) -> list[live_pb2.LiveMetric]:
    """The same metrics, changed once more; made cheaply, as the yardstick's messages are ready, too."""
    for metric in changed:
        metric.version += 1
    return changed


@asynccontextmanager
async def python(module: str, *arguments: str) -> AsyncIterator[Process]:
    """A Python process with pipes; ended at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdin=PIPE, stdout=PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def bare_server(kind: str, port: int) -> AsyncIterator[Process]:
    """A yardstick server that listens."""
    async with python("benchmarks.fanout_server", kind, str(port)) as process:
        await line(process)
        yield process


@asynccontextmanager
async def subscribers(*arguments: str) -> AsyncIterator[Process]:
    """Subscribers that have all been told where they begin."""
    async with python("benchmarks.fanout_clients", *arguments) as process:
        async with asyncio.timeout(_START_SECONDS):
            await line(process)
        yield process


async def line(process: Process) -> bytes:
    """The process's next line."""
    assert process.stdout is not None
    read = await process.stdout.readline()
    assert read, "the process ended"
    return read


async def deliveries_per_second(publish: Publish, process: Process, count: int) -> float:
    """Messages that arrive a second."""
    rounds = 0
    for _ in range(UNDER_WAY):
        await publish()
    started = time.perf_counter()
    while (seconds := time.perf_counter() - started) < ROUND_SECONDS:
        await line(process)
        rounds += 1
        await publish()
    for _ in range(UNDER_WAY):
        await line(process)
    return count * rounds / seconds


def to_input(process: Process, message: bytes) -> Publish:
    """Publishes on a yardstick server: a line of its input."""

    async def publish() -> None:
        assert process.stdin is not None
        process.stdin.write(message.hex().encode() + b"\n")
        await process.stdin.drain()

    return publish


async def compared(
    yardstick: tuple[Publish, Process], subject: tuple[Publish, Process], count: int
) -> tuple[float, float]:
    """Deliveries a second of both, by turns; medians."""
    first, second = [], []
    for _ in range(ROUNDS):
        first.append(await deliveries_per_second(*yardstick, count))
        second.append(await deliveries_per_second(*subject, count))
    return sorted(first)[ROUNDS // 2], sorted(second)[ROUNDS // 2]
