"""What a stack's supervisor writes down for the other commands: ports, URLs, processes."""

from contextlib import suppress
from datetime import datetime
from typing import Literal, Self
from uuid import UUID, uuid4

import psutil
from pydantic import BaseModel, Field

from deploy.local.data_folder import DataFolder, write_private

Phase = Literal["starting", "ready", "stopping", "stopped"]


class ProcessRecord(BaseModel):
    """A process, told from a later one with the same pid by its time of birth."""

    pid: int
    created: float
    version: str
    log: str
    restarts: int = 0

    @classmethod
    def of(cls, pid: int, *, version: str, log: str, restarts: int = 0) -> Self:
        created = psutil.Process(pid).create_time()
        return cls(pid=pid, created=created, version=version, log=log, restarts=restarts)

    def find(self) -> psutil.Process | None:
        """The process, if it still lives."""
        try:
            process = psutil.Process(self.pid)
            if process.create_time() != self.created or process.status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.NoSuchProcess:
            return None
        return process


class StackState(BaseModel):
    """The state file. It holds passwords (in URLs): for its owner only. Ports serve the next start."""

    phase: Phase = "stopped"
    started_at: datetime | None = None
    supervisor: ProcessRecord | None = None
    processes: dict[str, ProcessRecord] = Field(default_factory=dict)
    ports: dict[str, int] = Field(default_factory=dict)
    gateway_url: str = ""
    urls: dict[str, str] = Field(default_factory=dict)
    grpc_targets: dict[str, str] = Field(default_factory=dict)
    demo_loaded: str | None = None
    is_detached: bool = False
    venue_id: UUID = Field(default_factory=uuid4)

    @classmethod
    def load(cls, folder: DataFolder) -> Self:
        """The state of the folder; that of a stack that never ran when there is no file."""
        if not folder.state_file.exists():
            return cls()
        return cls.model_validate_json(folder.state_file.read_text())

    def save(self, folder: DataFolder) -> None:
        write_private(folder.state_file, self.model_dump_json(indent=2))

    def leftovers(self) -> list[psutil.Process]:
        """Processes of this record that still live."""
        found = (record.find() for record in self.processes.values())
        return [process for process in found if process is not None]


def end_leftovers(state: StackState) -> int:
    """End what a supervisor that was killed left behind; the number of processes that were ended."""
    leftovers = state.leftovers()
    family = list(leftovers)
    for process in leftovers:
        with suppress(psutil.NoSuchProcess):  # it may be ending by itself just now
            family += process.children(recursive=True)
            process.terminate()
    _, stubborn = psutil.wait_procs(family, timeout=10)
    for process in stubborn:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=5)
    return len(leftovers)
