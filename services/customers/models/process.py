"""A process that fits models: fed with what PostgreSQL sends, read for what PostgreSQL is sent.

Fits take the processor for minutes and memory for a whole history, which neither the event loop nor a process
that stays should give. The process ends with its question, and knows no settings and no secrets.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

Progress = Callable[[str, float], None]
"""Told what is done now, and how much of a run is over, 0 to 1."""
_LONGEST_LINE: Final = 256 * 1024 * 1024


class FittingFailed(RuntimeError):
    """The process ended before its answer; what it said of that is in the log."""


class FittingProcess:
    """One process for one question; use `fitting_process`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout

    async def write(self, block: bytes) -> None:
        """Send bytes, as fast as they are taken."""
        try:
            self._stdin.write(block)
            await self._stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise FittingFailed("the process that fits died") from error

    async def ask(self, question: dict[str, Any]) -> None:
        """Send the question's line; the data it is about follow by `write`."""
        await self.write(json.dumps(question, default=str).encode() + b"\n")

    def end_of_data(self) -> None:
        self._stdin.close()

    async def message(self) -> dict[str, Any]:
        """The next line of its answer.

        Raises:
            FittingFailed: There is none.
        """
        line = await self._stdout.readline()
        if not line.endswith(b"\n"):
            raise FittingFailed("the process that fits died")
        message: dict[str, Any] = json.loads(line)
        return message

    async def places(self, progress: Progress) -> list[dict[str, Any]]:
        """Its answer: what it found of each place, after telling how far it is.

        Raises:
            FittingFailed: There is none.
        """
        while "places" not in (message := await self.message()):
            progress(message["stage"], message["share"])
        places: list[dict[str, Any]] = message["places"]
        return places

    async def blocks(self) -> AsyncIterator[bytes]:
        """Bytes that follow the answer, up to their end."""
        while count := (await self.message())["bytes"]:
            try:
                yield await self._stdout.readexactly(count)
            except asyncio.IncompleteReadError as error:
                raise FittingFailed("the process that fits died") from error


@asynccontextmanager
async def fitting_process(module: str) -> AsyncIterator[FittingProcess]:
    """A process that runs a module; killed, if need be, when the body is left."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
        env=_environment(),
    )
    try:
        yield FittingProcess(process)
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.shield(process.wait())
        if process.stdin is not None:
            process.stdin.close()


def _environment() -> dict[str, str]:
    """Ours without the service's settings, which hold secrets; one thread, others need the rest."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("CUSTOMERS_")}
    return own | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
