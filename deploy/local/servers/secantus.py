"""The MongoDB wire protocol by SecantusDB: stands in for MongoDB on a developer's machine and in tests."""

import os
import sys
from importlib.metadata import version
from pathlib import Path

import pymongo
from pymongo.errors import PyMongoError

from deploy.local.processes import Process
from deploy.local.servers.server import Server


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
        with pymongo.MongoClient[dict[str, object]](self.url, serverSelectionTimeoutMS=200) as client:
            try:
                client.admin.command("ping")
            except PyMongoError:
                return False
        return True
