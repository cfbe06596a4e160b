"""`up --detach`: the supervisor in a session of its own; this process shows its screen until it is ready."""

import subprocess
import sys
import time
from pathlib import Path

from deploy.local.data_folder import DataFolder
from deploy.local.errors import FolderBusy, ProcessFailed
from deploy.local.processes import tail
from deploy.local.programs import REPOSITORY
from deploy.local.state import StackState
from deploy.local.up import UpOptions

_START_SECONDS = 3600.0


def up_detached(folder: DataFolder, options: UpOptions) -> int:
    """Return when the stack is ready and its demo is loaded.

    Raises:
        FolderBusy: A stack already runs there.
        ProcessFailed: The supervisor ended before it was ready.
    """
    folder.create()
    if folder.is_locked:
        raise FolderBusy(f"a stack already runs in {folder.root}")
    arguments = ["--data-dir", str(folder.root), "--demo", options.demo, "--detached-supervisor"]
    if options.gateway_port is not None:
        arguments += ["--gateway-port", str(options.gateway_port)]
    log = folder.logs / "up.log"
    log.unlink(missing_ok=True)
    with log.open("ab") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=REPOSITORY,
            start_new_session=True,
        )
    _show_until_ready(folder, supervisor, log)
    return 0


def _show_until_ready(folder: DataFolder, supervisor: subprocess.Popen[bytes], log: Path) -> None:
    give_up_at = time.monotonic() + _START_SECONDS
    with log.open() as screen:
        while not _is_ready(folder, supervisor.pid):
            sys.stdout.write(screen.read())
            sys.stdout.flush()
            if supervisor.poll() is not None:
                sys.stdout.write(screen.read())
                raise ProcessFailed("the stack could not be started; see above")
            if time.monotonic() > give_up_at:
                supervisor.terminate()
                raise ProcessFailed(f"not ready within an hour; the end of {log}:\n{tail(log)}")
            time.sleep(0.1)
        sys.stdout.write(screen.read())
        sys.stdout.flush()


def _is_ready(folder: DataFolder, pid: int) -> bool:
    state = StackState.load(folder)
    return state.phase == "ready" and state.supervisor is not None and state.supervisor.pid == pid
