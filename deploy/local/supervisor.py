"""Starts processes in order, watches them, brings back those that die, stops them in the opposite order."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from deploy.local.errors import ProcessFailed
from deploy.local.processes import tail
from deploy.local.servers import Server

_RESTARTS = 5
_WITHIN_SECONDS = 600.0
_LONGEST_PAUSE_SECONDS = 15.0


@dataclass(slots=True)
class _Watched:
    server: Server
    deaths: list[float] = field(default_factory=list)
    restart_at: float | None = None
    restarts: int = 0


class Supervisor:
    """Keeps a set of processes running.

    Args:
        say: Takes lines for the person who started the stack.
        changed: Called after processes were started or replaced.
        first_pause_seconds: Pause before the first restart; it doubles with every further death.
    """

    def __init__(
        self,
        *,
        say: Callable[[str], None],
        changed: Callable[["Supervisor"], None],
        first_pause_seconds: float = 0.5,
    ) -> None:
        self._say = say
        self._changed = changed
        self._first_pause_seconds = first_pause_seconds
        self._watched: list[_Watched] = []

    @property
    def servers(self) -> list[tuple[Server, int]]:
        """The processes in the order of their start, each with how often it was restarted."""
        return [(watched.server, watched.restarts) for watched in self._watched]

    def start(self, servers: Iterable[Server]) -> None:
        """Start these together and return when all of them are ready.

        Raises:
            ProcessFailed: One ended or was not ready in time; the others stay, for `stop`.
        """
        fresh = [_Watched(server) for server in servers]
        for watched in fresh:
            self._watched.append(watched)
            watched.server.spawn()
        self._changed(self)
        for watched in fresh:
            watched.server.wait()

    def watch(self) -> None:
        """One look at everything: restart what has died, after a growing pause.

        Raises:
            ProcessFailed: Something dies again and again.
        """
        now = time.monotonic()
        for watched in self._watched:
            if watched.restart_at is not None:
                if now >= watched.restart_at:
                    self._restart(watched)
            elif not watched.server.is_running:
                self._plan_restart(watched, now)

    def stop(self) -> None:
        """Stop everything that was started here, last first."""
        for watched in reversed(self._watched):
            if watched.server.is_running:
                self._say(f"stopping {watched.server.name}")
            watched.server.stop()
        self._watched.clear()
        self._changed(self)

    def _plan_restart(self, watched: _Watched, now: float) -> None:
        server = watched.server
        watched.deaths = [death for death in watched.deaths if now - death < _WITHIN_SECONDS] + [now]
        what = f"{server.name} ended unexpectedly (code {server.process.exit_code})"
        if len(watched.deaths) > _RESTARTS:
            raise ProcessFailed(
                f"{what}, {len(watched.deaths)} times within ten minutes; the end of {server.log}:\n"
                f"{tail(server.log)}"
            )
        pause = min(self._first_pause_seconds * 2 ** (len(watched.deaths) - 1), _LONGEST_PAUSE_SECONDS)
        self._say(f"{what}; starting it again in {pause:.1f} s; the end of {server.log}:\n{tail(server.log)}")
        server.stop()  # a server of two processes may have lost only one
        watched.restart_at = now + pause

    def _restart(self, watched: _Watched) -> None:
        watched.restart_at = None
        watched.restarts += 1
        watched.server.spawn()
        self._say(f"{watched.server.name} was started again (pid {watched.server.pid})")
        self._changed(self)
