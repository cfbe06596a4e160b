"""The command `up`: from a folder to a running platform, and back."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import FrameType

from deploy.local import demo
from deploy.local.credentials import Credentials
from deploy.local.data_folder import DataFolder
from deploy.local.first_screen import first_screen
from deploy.local.gateway import wait_for_gateway
from deploy.local.logs import keep_small
from deploy.local.ports import choose_ports
from deploy.local.processes import Process
from deploy.local.programs import run_step
from deploy.local.stack import DOMAIN_SERVICES, EDGE, PORT_NAMES, Stack
from deploy.local.state import Phase, ProcessRecord, StackState, end_leftovers
from deploy.local.stores import Stores
from deploy.local.supervisor import Supervisor

_LOOK_EVERY_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What the person asked for."""

    gateway_port: int | None = None
    demo: str = "small"
    is_detached: bool = False


def up(folder: DataFolder, options: UpOptions) -> int:
    """Start the stack, print the first screen, keep it running until a signal asks to stop.

    Raises:
        StackError: It could not be started, or something died again and again; what was started is stopped.
    """
    folder.create()
    folder.lock()
    run = _Run(folder, options)
    try:
        with _signals(_interrupt):
            run.start()
            run.watch()
    except KeyboardInterrupt:
        _say("")
    finally:
        with _signals(_ignore):
            run.stop()
    return 0


class _Run:
    def __init__(self, folder: DataFolder, options: UpOptions) -> None:
        self._folder = folder
        self._options = options
        self._state = StackState.load(folder)
        self._supervisor = Supervisor(say=_say, changed=self._record)
        self._first_models: Process | None = None

    def start(self) -> None:
        began = time.monotonic()
        if ended := end_leftovers(self._state):
            _say(f"the last run was killed; ended {ended} processes that it left")
        stack = self._plan(os.environ)

        _say(
            "starting "
            + (", ".join(server.version for server in stack.stores.servers) or "no embedded store")
        )
        self._supervisor.start(stack.stores.servers)
        for service in DOMAIN_SERVICES:
            _say(f"migrating the database of {service}")
            stack.prepare_database(service)

        gateway = stack.gateway()
        _say(f"starting {', '.join(DOMAIN_SERVICES)}, the edge and {gateway.version}")
        self._supervisor.start([*stack.services(), gateway])
        wait_for_gateway(stack.gateway_url, self._supervisor)
        _say(f"ready in {time.monotonic() - began:.1f} s")
        self._show_demo(stack)
        _say(first_screen(self._folder, self._state, stack.credentials))
        self._to("ready")

    def watch(self) -> None:
        while True:
            time.sleep(_LOOK_EVERY_SECONDS)
            self._supervisor.watch()
            keep_small(self._folder.logs)

    def stop(self) -> None:
        if self._supervisor.servers:
            self._to("stopping")
        if self._first_models is not None:
            self._first_models.stop()
        self._supervisor.stop()
        self._state.supervisor = None
        self._to("stopped")
        _say("stopped")

    def _plan(self, environment: Mapping[str, str]) -> Stack:
        credentials = Credentials(self._folder)
        self._make_keys([*DOMAIN_SERVICES, EDGE], credentials)
        wanted = self._options.gateway_port
        ports = choose_ports(PORT_NAMES, before=self._state.ports, gateway_port=wanted, say=_say)
        stores = Stores.choose(self._folder, ports, credentials, environment)
        stack = Stack(self._folder, ports, credentials, stores)
        self._state = StackState(
            started_at=datetime.now(UTC),
            supervisor=ProcessRecord.of(
                os.getpid(), version="supervisor", log=str(self._folder.logs / "up.log")
            ),
            ports=ports,
            gateway_url=stack.gateway_url,
            urls=stack.urls,
            grpc_targets=stack.grpc_targets,
            demo_loaded=self._state.demo_loaded,
            is_detached=self._options.is_detached,
            venue_id=self._state.venue_id,
        )
        self._to("starting")
        return stack

    def _make_keys(self, services: Sequence[str], credentials: Credentials) -> None:
        if not credentials.has_keys(services):
            run_step(
                "keys",
                ["deploy.provision", "keys", str(self._folder.keys), *services],
                environment={},
                log=self._folder.logs / "preparation.log",
            )

    def _show_demo(self, stack: Stack) -> None:
        season = self._options.demo
        if season == "none":
            return
        if self._state.demo_loaded != season:
            _say(f"loading the {season} demo season")
            demo.load(self._folder, stack, season, say=_say)
            self._state.demo_loaded = season
            self._state.save(self._folder)
            self._first_models = demo.first_models(self._folder, stack)
            self._first_models.start()
        self._supervisor.start([demo.sales(self._folder, stack, season)])

    def _record(self, supervisor: Supervisor) -> None:
        self._state.processes = {
            server.name: ProcessRecord.of(
                server.pid, version=server.version, log=str(server.log), restarts=restarts
            )
            for server, restarts in supervisor.servers
            if server.is_running
        }
        self._state.save(self._folder)

    def _to(self, phase: Phase) -> None:
        self._state.phase = phase
        self._state.save(self._folder)


def _say(line: str) -> None:
    with suppress(OSError):  # the terminal may be gone; the stack must still stop in order
        print(line, flush=True)


@contextmanager
def _signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, handler) for number in wanted}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Stopping has its own bounds; a second Ctrl-C must not leave half of it undone."""
