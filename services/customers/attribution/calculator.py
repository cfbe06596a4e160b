"""Calculates beside the event loop: small questions in a thread, large ones in a process of their own."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import structlog

from libs.common.errors import DependencyUnavailable
from services.customers.attribution.facts import Facts
from services.customers.errors import AttributionBusy, TooFewPaths

_MODULE: Final = "services.customers.attribution.worker"
_SMALL: Final = 2_000
"""Facts up to which a thread answers within some hundredths of a second, sooner than a process starts."""
_log = structlog.get_logger(__name__)


class Calculator:
    """Answers a few questions at a time; a process lives for one question, so that idle ones cost nothing.

    Args:
        at_once: Questions in work.
        most_waiting: Questions that may wait for their turn; more are refused.
    """

    def __init__(self, *, at_once: int = 2, most_waiting: int = 16) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._most_waiting = most_waiting
        self._waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A turn to collect facts and ask about them: so many questions hold facts in memory, and no more.

        Raises:
            AttributionBusy: Too many questions wait already.
        """
        if self._waiting >= self._most_waiting:
            raise AttributionBusy("too many attributions are asked for", retry_after=timedelta(seconds=5))
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()

    async def ask(self, facts: Facts, question: dict[str, Any]) -> dict[str, Any]:
        """The answer of `study`.

        Whoever asks may be cancelled, as by a deadline: then the process is killed with what it was doing.

        Raises:
            TooFewPaths: A data-driven model and too few journeys.
            DependencyUnavailable: The process died.
        """
        content = facts.encoded(question)
        if len(facts) <= _SMALL:
            from services.customers.attribution.study import answered

            answer = json.loads(await asyncio.to_thread(answered, content))
        else:
            answer = json.loads(await _in_a_process(content))
        if (refused := answer.get("too_few_paths")) is not None:
            raise TooFewPaths(f"{question['model']} needs more paths", **refused)
        found: dict[str, Any] = answer
        return found


async def _in_a_process(content: bytes) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        _MODULE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=_environment(),
    )
    try:
        answer, _ = await process.communicate(content)
    except BaseException:
        if process.returncode is None:
            process.kill()
        await asyncio.shield(process.wait())
        raise
    if process.returncode:
        _log.error("the process that attributes died", returncode=process.returncode)
        raise DependencyUnavailable("the attribution could not be calculated")
    return answer


def _environment() -> dict[str, str]:
    """Ours without the service's settings, which hold secrets; one thread, others need the rest."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("CUSTOMERS_")}
    return own | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
