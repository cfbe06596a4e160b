"""What runs now: the state file compared with the processes that really live."""

from pydantic import BaseModel

from deploy.local.data_folder import DataFolder
from deploy.local.memory import resident_bytes
from deploy.local.state import StackState


class ProcessStatus(BaseModel):
    """One process of the stack; `rss_bytes` includes its children."""

    pid: int
    is_running: bool
    rss_bytes: int
    version: str
    restarts: int
    log: str


class StackStatus(BaseModel):
    """The answer of `status --json`. It names passwords (in `urls`): for the stack's owner only.

    `phase` is starting, ready, stopping, stopped, or `killed` when the supervisor ended without stopping
    the stack.
    """

    phase: str
    data_dir: str
    log_dir: str
    gateway_url: str
    ports: dict[str, int]
    urls: dict[str, str]
    grpc_targets: dict[str, str]
    processes: dict[str, ProcessStatus]
    versions: dict[str, str]
    rss_bytes: int
    demo: str

    @classmethod
    def of(cls, folder: DataFolder) -> "StackStatus":
        state = StackState.load(folder)
        records = dict(state.processes)
        if state.supervisor is not None:
            records["supervisor"] = state.supervisor
        is_supervised = state.supervisor is not None and state.supervisor.find() is not None
        processes = {}
        for name, record in records.items():
            process = record.find()
            processes[name] = ProcessStatus(
                pid=record.pid,
                is_running=process is not None,
                rss_bytes=resident_bytes(process, with_children=name != "supervisor") if process else 0,
                version=record.version,
                restarts=record.restarts,
                log=record.log,
            )
        return cls(
            phase=state.phase if state.phase == "stopped" or is_supervised else "killed",
            data_dir=str(folder.root),
            log_dir=str(folder.logs),
            gateway_url=state.gateway_url,
            ports=state.ports,
            urls=state.urls,
            grpc_targets=state.grpc_targets,
            processes=processes,
            versions={name: process.version for name, process in processes.items()},
            rss_bytes=sum(process.rss_bytes for process in processes.values()),
            demo=state.demo_loaded or "none",
        )

    @property
    def is_up(self) -> bool:
        return self.phase == "ready" and all(process.is_running for process in self.processes.values())

    def table(self) -> str:
        """The same for a person; without passwords."""
        lines = [f"{self.phase}: {self.data_dir}"]
        if self.processes:
            lines += [f"gateway {self.gateway_url}", f"logs    {self.log_dir}", ""]
            lines.append(f"{'process':<12}{'pid':>8}{'memory':>10}{'restarts':>10}  version")
            for name, process in self.processes.items():
                memory = megabytes(process.rss_bytes) if process.is_running else "ended"
                lines.append(
                    f"{name:<12}{process.pid:>8}{memory:>10}{process.restarts:>10}  {process.version}"
                )
            lines.append(f"{'all':<12}{'':>8}{megabytes(self.rss_bytes):>10}")
        return "\n".join(lines)


def megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
