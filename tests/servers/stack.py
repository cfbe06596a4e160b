"""A whole local stack as a test's counterpart: gateway, services and stores, started by the real command."""

import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psutil

from deploy.local.credentials import PERMISSIONS, Credentials
from deploy.local.data_folder import DataFolder
from deploy.local.ports import free_port
from deploy.local.processes import Process
from deploy.local.programs import python_process
from deploy.local.status import StackStatus

_READY_SECONDS = 90.0


class StackUnderTest:
    """One stack in a folder of its own.

    Args:
        folder: Data folder.
        gateway_port: Port of the gateway; a free one when not given.
    """

    def __init__(self, folder: Path, *, gateway_port: int | None = None) -> None:
        self.folder = folder
        self.gateway_port = gateway_port or free_port()
        self.supervisor: Process | None = None
        self._data = DataFolder(folder)

    def start(self, arguments: Sequence[str] = ("--demo", "none")) -> "StackUnderTest":
        """Run `up` and return when everything is ready."""
        self.supervisor = python_process(
            "supervisor",
            ["deploy.local", "up", *self.options, "--gateway-port", str(self.gateway_port), *arguments],
            environment={},
            log=self.folder.with_name(f"{self.folder.name}.log"),
        )
        self.supervisor.start()
        self.wait_for("ready")
        return self

    def wait_for(self, phase: str) -> None:
        give_up_at = time.monotonic() + _READY_SECONDS
        while self.status().phase != phase:
            if phase == "ready":
                self.supervisor.require_running()
            if time.monotonic() > give_up_at:
                raise self.supervisor.failure(f"did not become {phase}")
            time.sleep(0.1)

    def stop(self) -> None:
        if self.supervisor is not None:
            self.supervisor.stop(patience_seconds=60)

    @property
    def options(self) -> list[str]:
        return ["--data-dir", str(self.folder)]

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `python -m deploy.local <arguments>` for this stack."""
        program = [sys.executable, "-m", "deploy.local", *arguments, *self.options]
        return subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)

    def service_command(self, service: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `python -m services.<service> <arguments>` with the settings of the running service."""
        running = psutil.Process(self.status().processes[service].pid)
        program = [sys.executable, "-m", f"services.{service}", *arguments]
        return subprocess.run(
            program, capture_output=True, text=True, timeout=120, check=False, env=running.environ()
        )

    def status(self) -> StackStatus:
        """As `status --json` gives it."""
        return StackStatus.of(self._data)

    def processes(self) -> list[psutil.Process]:
        """Everything that belongs to the stack, the supervisor first, with all descendants."""
        found = [psutil.Process(process.pid) for process in self.status().processes.values()]
        return [member for process in found for member in (process, *process.children(recursive=True))]

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.gateway_port}"

    @property
    def grpc_target(self) -> str:
        """gRPC through the gateway."""
        return f"127.0.0.1:{self.gateway_port}"

    @property
    def grpc_targets(self) -> dict[str, str]:
        """Direct gRPC addresses: `metrics`, `edge`."""
        return self.status().grpc_targets

    @property
    def urls(self) -> dict[str, str]:
        """Store URLs: `metrics_app`, `metrics_owner`, `metrics_worker`, `postgres_admin`, `redis`..."""
        return self.status().urls

    def token(
        self,
        tenant_id: UUID,
        *,
        permissions: Collection[str] = PERMISSIONS,
        venue_ids: Collection[UUID] | None = None,
        lifetime: timedelta = timedelta(hours=1),
        subject: str = "tester",
    ) -> str:
        """A user's token that the stack accepts."""
        return Credentials(self._data).user_token(
            tenant_id, permissions=permissions, venue_ids=venue_ids, lifetime=lifetime, subject=subject
        )

    def credentials(self) -> Credentials:
        return Credentials(self._data)
