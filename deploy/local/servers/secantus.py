"""The MongoDB wire protocol by SecantusDB: stands in for MongoDB on a developer's machine and in tests."""

import os
import socket
import struct
import sys
from importlib.metadata import version
from pathlib import Path

from deploy.local.processes import Process
from deploy.local.servers.server import Server

# By hand: a client library would stay in the supervisor's memory for one command.
# OP_MSG (opcode 2013, request 1) with the document {ping: 1, $db: "admin"}.
_DOCUMENT = b"\x10ping\x00\x01\x00\x00\x00\x02$db\x00\x06\x00\x00\x00admin\x00"
_BODY = b"\x00\x00\x00\x00\x00" + struct.pack("<i", len(_DOCUMENT) + 5) + _DOCUMENT + b"\x00"
_PING = struct.pack("<iiii", len(_BODY) + 16, 1, 0, 2013) + _BODY


class Secantus(Server):
    """One SecantusDB server, open to whoever reaches its loopback port."""

    name = "secantus"

    @property
    def url(self) -> str:
        """URL of the server; it names no database."""
        return f"mongodb://127.0.0.1:{self.port}/"

    @property
    def version(self) -> str:
        return f"secantusdb {version('secantusdb')}"

    def prepare(self) -> Process:
        storage = self.folder / "data"
        storage.mkdir(mode=0o700, exist_ok=True)
        program = [sys.executable, str(Path(sys.executable).parent / "secantusd-py"), "--host", "127.0.0.1"]
        program += ["--port", str(self.port), "--storage-path", str(storage)]
        program += ["--cache-size", "128M", "--log-level", "WARNING"]
        return Process(
            name=self.name,
            program=program,
            log=self.log,
            folder=self.folder,  # it reads ./secantusd.toml and one in the home folder: none of anybody's
            environment={**os.environ, "HOME": str(self.folder)},
        )

    def is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(_PING)
                return b"ok" in connection.recv(4096)
        except OSError:
            return False
