"""RabbitMQ from the operating system's package, as one private node: for tests, not part of a local stack."""

import os
import re
import socket
from functools import cached_property
from pathlib import Path

from deploy.local.processes import Process
from deploy.local.servers.server import Server, required_program

_INSTALL = "apt-get install rabbitmq-server (bash tools/test_servers.sh does it as root)"
_HANDSHAKE = b"AMQP\x00\x00\x09\x01"


class RabbitMQ(Server):
    """One broker with its own name service; takes `port` and the two ports after it.

    The Erlang name service (epmd) outlives a broker that started it, so it is a child of its own here.
    """

    name = "rabbitmq"
    start_seconds = 90.0
    stop_seconds = 30.0

    def __init__(self, folder: Path, *, port: int, log: Path | None = None) -> None:
        super().__init__(folder, port=port, log=log)
        self._epmd_port = port + 2
        self._epmd = Process(name="epmd", program=(), log=self.log)

    @property
    def url(self) -> str:
        """URL of the default virtual host; the account works from loopback only."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    @cached_property
    def version(self) -> str:
        log = self.log.read_text(errors="replace")
        found = re.search(r"RabbitMQ (\d[\d.]*)", log)
        return f"rabbitmq {found.group(1)}" if found else "rabbitmq (version not in its log)"

    def prepare(self) -> Process:
        # The program in sbin is a wrapper that switches user.
        program = required_program(
            "rabbitmq-server-plain", "/usr/lib/rabbitmq/bin/rabbitmq-server", install=_INSTALL
        )
        (self.folder / "home").mkdir(mode=0o700, exist_ok=True)
        (self.folder / "plugins").write_text("[].\n")
        return Process(name=self.name, program=[program], log=self.log, environment=self._environment())

    def spawn(self) -> None:
        epmd = required_program("epmd", install=_INSTALL)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        arguments = ["-port", str(self._epmd_port), "-address", "127.0.0.1"]
        self._epmd = Process(name="epmd", program=[epmd, *arguments], log=self.log)
        self._epmd.start()
        super().spawn()

    def stop(self) -> None:
        super().stop()
        self._epmd.kill()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self._epmd.kill()

    def is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.settimeout(2)
                connection.sendall(_HANDSHAKE)
                return bool(connection.recv(1))
        except OSError:
            return False

    def _environment(self) -> dict[str, str]:
        folder = str(self.folder)
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": f"{folder}/home",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_NODENAME": f"node{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.port + 1),
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/logs",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_SCHEMA_DIR": f"{folder}/schema",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{folder}/generated",
            "RABBITMQ_CONFIG_FILE": f"{folder}/none",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/none.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false"
            ),
            # Makes the start script replace itself by the broker, instead of watching it from outside.
            "RUNNING_UNDER_SYSTEMD": "true",
        }
