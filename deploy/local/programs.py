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
_MIGRATION_SECONDS = 300.0


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


def migrate(service: str, environment: Mapping[str, str], log: Path) -> None:
    """Bring the service's database to the newest schema.

    Raises:
        ProcessFailed: It did not work.
    """
    migration = python_process(
        f"migration of {service}", [f"services.{service}", "migrate"], environment=environment, log=log
    )
    migration.start()
    if migration.wait(_MIGRATION_SECONDS) != 0:
        raise migration.failure("failed")
