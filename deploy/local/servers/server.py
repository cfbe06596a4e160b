"""What the embedded servers have in common: a folder, a port, a process, a bounded start and stop."""

import importlib.util
import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from deploy.local.errors import ServerMissing
from deploy.local.processes import Process, wait_until_ready


class Server(ABC):
    """One embedded server; the same object can be stopped and started again on its data.

    Args:
        folder: Holds everything the server writes except its log; made when missing.
        port: Loopback port it listens on.
        log: File that takes its output.
    """

    name: str
    start_seconds: float = 30.0
    stop_seconds: float = 10.0

    def __init__(self, folder: Path, *, port: int, log: Path | None = None) -> None:
        self.folder = folder.absolute()
        self.port = port
        self.log = log or self.folder / f"{self.name}.log"
        self.process = Process(name=self.name, program=(), log=self.log)

    @abstractmethod
    def prepare(self) -> Process:
        """Make the folder ready and describe the process; called before every start."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers."""

    @property
    @abstractmethod
    def version(self) -> str:
        """Name and version of the program."""

    def spawn(self) -> None:
        """Start the process without waiting for it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.process = self.prepare()
        self.process.start()

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            ProcessFailed: It ended, or did not answer in time.
        """
        wait_until_ready(self.process, self.is_ready, within_seconds=self.start_seconds)

    def start(self) -> Self:
        """Start it and wait until it answers."""
        self.spawn()
        try:
            self.wait()
        except BaseException:
            self.process.kill()
            raise
        return self

    def stop(self) -> None:
        self.process.stop(patience_seconds=self.stop_seconds)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.is_running


def required_program(name: str, *places: str, install: str) -> str:
    """Path of a program from PATH or one of the given places.

    Raises:
        ServerMissing: It is in none of them.
    """
    for candidate in (shutil.which(name), *places):
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    raise ServerMissing(f"{name} is not installed: {install}")


def package_folder(name: str) -> Path:
    """Folder of an installed package, without importing it.

    Raises:
        ServerMissing: It is not installed.
    """
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise ServerMissing(f"the package {name} is not installed: make setup")
    return Path(found.submodule_search_locations[0])


def output_of(*command: str | Path) -> str:
    """What a program prints, for example its version."""
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
