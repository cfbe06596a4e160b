"""A child process with its log file: started so that it dies with us, stopped with a bound."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.errors import ProcessFailed

_LAUNCHER = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True)
class RunAs:
    """Another identity for a program that refuses root: a user's name, or user 1000 of a user namespace."""

    user: str | None = None
    unprivileged: bool = False

    def flags(self) -> list[str]:
        flags = ["--user", self.user] if self.user else []
        return [*flags, "--unprivileged"] if self.unprivileged else flags


@dataclass(slots=True)
class Process:
    """One program: `start` it, see whether it `is_running`, `stop` it.

    Start it from the main thread: Linux sends the death signal when the starting *thread* ends.
    """

    name: str
    program: Sequence[str]
    log: Path
    environment: Mapping[str, str] | None = None
    folder: Path | None = None
    run_as: RunAs = field(default_factory=RunAs)
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    _popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the program in a session of its own, so that Ctrl-C reaches only the supervisor."""
        launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), "--parent", str(os.getpid())]
        launcher += ["--death-signal", str(int(self.death_signal)), *self.run_as.flags(), "--"]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                [*launcher, *self.program],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=None if self.environment is None else dict(self.environment),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id.

        Raises:
            ProcessFailed: It was not started.
        """
        if self._popen is None:
            raise ProcessFailed(f"{self.name} was not started")
        return self._popen.pid

    @property
    def is_running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    @property
    def exit_code(self) -> int | None:
        return None if self._popen is None else self._popen.poll()

    def stop(self, *, patience_seconds: float = 10.0) -> None:
        """Ask it to end, wait at most `patience_seconds`, then kill its whole session."""
        if self._popen is None:
            return
        if self._popen.poll() is None:
            self._popen.send_signal(self.stop_signal)
            try:
                self._popen.wait(patience_seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        self._popen = None

    def wait(self, within_seconds: float) -> int:
        """Its exit code, once it has ended by itself; killed when it takes longer than `within_seconds`.

        Raises:
            ProcessFailed: It took too long.
        """
        if self._popen is None:
            raise ProcessFailed(f"{self.name} was not started")
        try:
            return self._popen.wait(within_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise self.failure(f"took more than {within_seconds:.0f} s") from None

    def kill(self) -> None:
        """End it now, with what it started itself."""
        if self._popen is None or self._popen.poll() is not None:
            return
        try:
            os.killpg(self._popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            self._popen.kill()
        self._popen.wait()

    def failure(self, what: str) -> ProcessFailed:
        """An error that says what went wrong and shows the end of the log."""
        return ProcessFailed(f"{self.name} {what}; the end of {self.log}:\n{tail(self.log)}")

    def require_running(self) -> None:
        """Refuse to go on with a process that has ended.

        Raises:
            ProcessFailed: It has ended.
        """
        if not self.is_running:
            raise self.failure(f"ended with code {self.exit_code}")


def tail(log: Path, *, lines: int = 20) -> str:
    """The last lines of a log, at most 16 KiB of it."""
    if not log.exists():
        return "(no log)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def wait_until_ready(process: Process, is_ready: Callable[[], bool], *, within_seconds: float) -> None:
    """Return when `is_ready` says so.

    Raises:
        ProcessFailed: The process ended first, or the time is over.
    """
    give_up_at = time.monotonic() + within_seconds
    while not is_ready():
        process.require_running()
        if time.monotonic() > give_up_at:
            raise process.failure(f"was not ready within {within_seconds:.0f} s")
        time.sleep(0.02)
