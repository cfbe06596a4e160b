"""InfluxDB 1.6 from the operating system's package behind a small Envoy that speaks the version 2 write path.

For tests, not part of a local stack. Both paths that the product uses, `/api/v2/write` and `/query`, work at
one URL.
"""

import http.client
import json
import os
from functools import cached_property
from pathlib import Path

from deploy.local.ports import free_port
from deploy.local.processes import Process
from deploy.local.servers.envoy import Envoy
from deploy.local.servers.server import Server, required_program

_INSTALL = "apt-get install influxdb (bash tools/test_servers.sh does it as root)"
_TEMPLATES = Path(__file__).with_name("templates")


class Influx(Server):
    """One InfluxDB; `port` takes version 1 and version 2 requests, a database stands for a bucket."""

    name = "influx"

    def __init__(self, folder: Path, *, port: int, log: Path | None = None) -> None:
        super().__init__(folder, port=port, log=log)
        first = free_port(consecutive=3)
        self._backend_port, self._rpc_port, admin_port = first, first + 1, first + 2
        bootstrap = self.folder / "envoy.json"
        self._front = Envoy(self.folder, port=port, admin_port=admin_port, bootstrap=bootstrap)

    @property
    def url(self) -> str:
        """Base URL; it needs no token."""
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def version(self) -> str:
        return f"influxdb {self._ask('/ping').headers['X-Influxdb-Version']}"

    def create_bucket(self, name: str) -> None:
        """Make a bucket; nothing happens when it exists."""
        answer = self._ask(f"/query?q=CREATE%20DATABASE%20%22{name}%22", method="POST")
        if answer.status != http.HTTPStatus.OK:
            raise self.process.failure(f"did not create the bucket {name}")

    def prepare(self) -> Process:
        program = required_program("influxd", "/usr/sbin/influxd", install=_INSTALL)
        configuration = self.folder / "influxdb.conf"
        configuration.write_text(
            (_TEMPLATES / "influxdb.conf")
            .read_text()
            .format(folder=self.folder, port=self._backend_port, rpc_port=self._rpc_port)
        )
        environment = {**os.environ, "HOME": str(self.folder)}
        return Process(
            name=self.name,
            program=[program, "-config", str(configuration)],
            log=self.log,
            environment=environment,
        )

    def spawn(self) -> None:
        super().spawn()
        template = json.loads((_TEMPLATES / "influx_front.json").read_text())
        text = json.dumps(template).replace('"{port}"', str(self.port))
        text = text.replace('"{backend_port}"', str(self._backend_port))
        self._front.bootstrap.write_text(text.replace('"{admin_port}"', str(self._front.admin_port)))
        self._front.spawn()

    def stop(self) -> None:
        self._front.stop()
        super().stop()

    def is_ready(self) -> bool:
        try:
            return self._ask("/ping").status == http.HTTPStatus.NO_CONTENT
        except OSError:
            return False

    def _ask(self, path: str, *, method: str = "GET") -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            answer.read()
            return answer
        finally:
            connection.close()
