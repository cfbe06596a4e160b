"""Asks a process of its own to calculate: started when needed, ended when idle, killed when nobody waits."""

import asyncio
import os
import sys
from datetime import timedelta
from typing import Final

import structlog

from libs.common.errors import DependencyUnavailable
from services.metrics.errors import ProjectionsBusy
from services.metrics.projections.question import Answer, Question

_log = structlog.get_logger(__name__)

_LONGEST_LINE: Final = 64 * 1024 * 1024
_MODULE: Final = "services.metrics.projections.worker"


class Calculator:
    """One process for the heavy libraries, so that the serving one stays small; one question at a time.

    Args:
        most_waiting: Questions that may wait for it; more are refused.
        idle_seconds: Time without a question after which the process ends.
    """

    def __init__(self, *, most_waiting: int, idle_seconds: float) -> None:
        self._most_waiting = most_waiting
        self._idle_seconds = idle_seconds
        self._waiting = 0
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._idle: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def process_id(self) -> int | None:
        """Of the process while there is one."""
        return None if self._process is None else self._process.pid

    async def ask(self, question: Question) -> Answer:
        """The answer to a question.

        Whoever asks may be cancelled, as by a deadline: then the process is killed with what it was doing.

        Raises:
            ProjectionsBusy: Too many questions wait already.
            DependencyUnavailable: The process died, or this one is about to end.
        """
        if self._waiting >= self._most_waiting:
            raise ProjectionsBusy(
                "too many projections are being calculated", retry_after=timedelta(seconds=5)
            )
        self._waiting += 1
        try:
            async with self._turn:
                return await self._asked(question)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """End the process now; later questions are refused."""
        self._closed = True
        await self._end()

    async def _asked(self, question: Question) -> Answer:
        if self._closed:
            raise DependencyUnavailable("this replica stops")
        if self._idle is not None:
            self._idle.cancel()
        try:
            process = await self._started()
            line = await _exchange(process, question.encoded())
        except BaseException:
            await asyncio.shield(self._end())
            raise
        if not line.endswith(b"\n"):
            _log.error("the process that projects died", returncode=process.returncode)
            await self._end()
            raise DependencyUnavailable("the projection could not be calculated")
        self._idle = asyncio.create_task(self._end_when_idle())
        return Answer.decoded(line)

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                _MODULE,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LONGEST_LINE,
                env=_environment(),
            )
        return self._process

    async def _end_when_idle(self) -> None:
        await asyncio.sleep(self._idle_seconds)
        async with self._turn:
            await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()


def _environment() -> dict[str, str]:
    """Ours without the service's settings, which hold secrets; one thread, others need the rest."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("METRICS_")}
    return own | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


async def _exchange(process: asyncio.subprocess.Process, line: bytes) -> bytes:
    """The line that answers a line; one that is cut short where the process died."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(line)
        await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        return b""
    return await process.stdout.readline()
