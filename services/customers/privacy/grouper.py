"""Asks processes of their own to group people, so that calls beside are not held up by the calculation."""

import asyncio
import json
import os
import sys
from dataclasses import asdict
from datetime import timedelta
from typing import Final

import structlog

from libs.common.errors import DependencyUnavailable
from services.customers.errors import DatasetsBusy
from services.customers.privacy.grouping import Answer, Question

_log = structlog.get_logger(__name__)
_MODULE: Final = "services.customers.privacy.grouping"


class Grouper:
    """One process a question, few at a time.

    Args:
        most: Questions at once; more are refused.
    """

    def __init__(self, *, most: int = 2) -> None:
        self._most = most
        self._asking = 0

    async def ask(self, question: Question) -> Answer:
        """The groups of a question.

        Whoever asks may be cancelled, as by a deadline: then the process is killed with what it was doing.

        Raises:
            DatasetsBusy: As many as may are being calculated.
            DependencyUnavailable: The process died.
        """
        if self._asking >= self._most:
            raise DatasetsBusy("other extracts are being calculated", retry_after=timedelta(seconds=10))
        self._asking += 1
        try:
            return await _asked(question)
        finally:
            self._asking -= 1


async def _asked(question: Question) -> Answer:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        _MODULE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=_environment(),
    )
    try:
        output, _ = await process.communicate(json.dumps(asdict(question)).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        _log.error("the process that groups people died", returncode=process.returncode)
        raise DependencyUnavailable("the extract could not be calculated")
    return Answer(**json.loads(output))


def _environment() -> dict[str, str]:
    """Ours without the service's settings, which hold secrets; one thread, others need the rest."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("CUSTOMERS_")}
    return own | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
