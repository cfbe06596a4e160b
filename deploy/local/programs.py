"""The platform's own processes, as the supervisor sees them."""

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from deploy.local.processes import Process
from deploy.local.servers.server import Server

REPOSITORY = Path(__file__).resolve().parents[2]
_STEP_SECONDS = 300.0


class Program(Server):
    """A Python module of this repository that listens on a port.

    Args:
        name: Its name on the screen and of its log.
        arguments: Module and arguments, as after `python -m`.
        port: Port that it opens when it is ready to be asked.
        environment: Its settings.
        log: File that takes its output.
    """

    stop_seconds = 20.0

    def __init__(
        self, name: str, arguments: Sequence[str], *, port: int, environment: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        super().__init__(log.parent, port=port, log=log)
        self._arguments = arguments
        self._environment = environment

    @property
    def version(self) -> str:
        return f"tickettoken-analytics {version('tickettoken-analytics')}"

    def prepare(self) -> Process:
        return python_process(self.name, self._arguments, environment=self._environment, log=self.log)

    def is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False


def python_process(
    name: str, arguments: Sequence[str], *, environment: Mapping[str, str], log: Path
) -> Process:
    """`python -m <arguments>` in the repository's folder, with these settings added to our environment."""
    return Process(
        name=name,
        program=[sys.executable, "-m", *arguments],
        log=log,
        environment={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        folder=REPOSITORY,
    )


def run_step(name: str, arguments: Sequence[str], *, environment: Mapping[str, str], log: Path) -> None:
    """Run a module that ends by itself, the same command that a deployment runs.

    Raises:
        ProcessFailed: It did not work, or took longer than five minutes.
    """
    step = python_process(name, arguments, environment=environment, log=log)
    step.start()
    if step.wait(_STEP_SECONDS) != 0:
        raise step.failure("failed")
