"""The demo season of a stack: loaded once, then kept selling as a child process."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from deploy.local.data_folder import DataFolder, write_private
from deploy.local.processes import Process
from deploy.local.programs import python_process
from deploy.local.servers import Server
from deploy.local.stack import Stack

_LOAD_SECONDS = 1800.0


def load(folder: DataFolder, stack: Stack, season: str, *, say: Callable[[str], None]) -> None:
    """Publish the season's past through the gateway, passing on what the simulator reports.

    Raises:
        ProcessFailed: The simulator failed or took more than half an hour.
    """
    simulator = _simulator("load", folder, stack, season)
    simulator.log.unlink(missing_ok=True)
    simulator.start()
    give_up_at = time.monotonic() + _LOAD_SECONDS
    with simulator.log.open() as report:
        while simulator.is_running:
            if time.monotonic() > give_up_at:
                simulator.kill()
                raise simulator.failure("took too long")
            if line := report.readline().strip():
                say(f"  {line}")
            else:
                time.sleep(0.2)
    if simulator.exit_code != 0:
        raise simulator.failure(f"ended with code {simulator.exit_code}")


def venue_id(folder: DataFolder) -> str | None:
    """A venue of the loaded season, for people to look at."""
    season = folder.demo / "season.json"
    return str(json.loads(season.read_text())["venues"][0]["id"]) if season.exists() else None


def house_id(folder: DataFolder) -> str | None:
    """The venue whose customers, campaigns and channels are known to the truth."""
    season = folder.demo / "season.json"
    about = json.loads(season.read_text()).get("patrons") if season.exists() else None
    return None if about is None else str(about["venue_id"])


def first_models(folder: DataFolder, stack: Stack) -> Process:
    """The process that has the first models of the loaded customers fitted, and ends."""
    arguments = ["deploy.local.first_models", "--gateway", stack.gateway_url]
    arguments += ["--token-file", str(_token_file(folder, stack)), "--folder", str(folder.demo)]
    environment = stack.service_environment("customers")
    log = folder.logs / "demo-models.log"
    return python_process("demo models", arguments, environment=environment, log=log)


def sales(folder: DataFolder, stack: Stack, season: str) -> Server:
    """The process that goes on selling at the pace of the clock."""
    return _Sales(folder, stack, season)


class _Sales(Server):
    name = "demo"
    version = "season simulator"

    def __init__(self, folder: DataFolder, stack: Stack, season: str) -> None:
        super().__init__(folder.demo, port=stack.ports["gateway"], log=folder.logs / "demo.log")
        self._simulator = _simulator("run", folder, stack, season)

    def prepare(self) -> Process:
        return self._simulator

    def is_ready(self) -> bool:
        return True


def _simulator(verb: str, folder: DataFolder, stack: Stack, season: str) -> Process:
    arguments = ["deploy.local.simulator", verb, "--season", season, "--gateway", stack.gateway_url]
    arguments += ["--token-file", str(_token_file(folder, stack)), "--folder", str(folder.demo)]
    log = folder.logs / ("demo.log" if verb == "run" else "demo-load.log")
    return python_process(f"demo {verb}", arguments, environment={}, log=log)


def _token_file(folder: DataFolder, stack: Stack) -> Path:
    token_file = folder.demo / "token"
    write_private(token_file, stack.credentials.user_token(lifetime=timedelta(days=30), subject="demo"))
    return token_file
