"""The commands beside `up`: they look at the state file and talk to the supervisor by signals."""

import signal
import sys
from argparse import Namespace
from datetime import timedelta

import psutil

from deploy.local.credentials import Credentials
from deploy.local.data_folder import DataFolder
from deploy.local.errors import NotRunning, StackError
from deploy.local.state import StackState, end_leftovers
from deploy.local.status import StackStatus

_STOP_SECONDS = 120.0


def down(folder: DataFolder) -> int:
    """Stop the stack of the folder, if one runs.

    Raises:
        StackError: It did not stop in two minutes.
    """
    state = StackState.load(folder)
    supervisor = state.supervisor.find() if state.supervisor is not None else None
    if supervisor is not None:
        supervisor.send_signal(signal.SIGTERM)
        try:
            supervisor.wait(_STOP_SECONDS)
        except psutil.TimeoutExpired:
            raise StackError(f"the supervisor (pid {supervisor.pid}) did not stop in two minutes") from None
        print("stopped")
    elif ended := end_leftovers(state):
        print(f"the supervisor was killed before; ended {ended} processes that it left")
    else:
        print(f"nothing runs in {folder.root}")
    if folder.root.exists():
        state = StackState.load(folder)
        state.phase, state.supervisor, state.processes = "stopped", None, {}
        state.save(folder)
    return 0


def show_status(folder: DataFolder, *, as_json: bool) -> int:
    """Print what runs; the exit code is 0 when everything does."""
    status = StackStatus.of(folder)
    print(status.model_dump_json(indent=2) if as_json else status.table())
    return 0 if status.is_up else 1


def token(folder: DataFolder, options: Namespace) -> int:
    """Print a token.

    Raises:
        NotRunning: The stack was never started, so it has no signing key.
    """
    credentials = Credentials(folder)
    if not credentials.jwks.exists():
        raise NotRunning(f"no stack was started in {folder.root} yet, so there is no signing key")
    print(
        credentials.user_token(
            options.tenant,
            permissions=options.permissions,
            venue_ids=options.venues,
            lifetime=timedelta(seconds=options.ttl),
            subject=options.subject,
        ),
        file=sys.stdout,
    )
    return 0
