"""Dependencies checked in the background, so that a health answer is instant and never a stampede."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import structlog

from libs.common.observability.prometheus import DEPENDENCY_SECONDS, DEPENDENCY_UP
from libs.common.tasks import ended

_log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[None]]
_INTERVAL_SECONDS = 5.0
_TIMEOUT_SECONDS = 2.0
_FIRST_LOOK_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class DependencyState:
    """The outcome of the last check; `failure` names the kind of error, never its text; empty when up."""

    is_up: bool
    seconds: float
    checked_at: float
    failure: str = ""


class Dependencies:
    """Checks each dependency in a task of its own and tells `changed` when one goes down or comes back.

    Args:
        checks: By name; a check returns when the dependency answers and raises when it does not.
        changed: Called with the name and whether it is up, after the first check and after each change.
        interval_seconds: Time between two checks of one dependency.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        changed: Callable[[str, bool], Awaitable[None]],
        *,
        interval_seconds: float = _INTERVAL_SECONDS,
    ) -> None:
        self._checks = dict(checks)
        self._changed = changed
        self._interval = interval_seconds
        self._states: dict[str, DependencyState] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def states(self) -> Mapping[str, DependencyState]:
        """The last outcome of each dependency that has been checked."""
        return dict(self._states)

    def all_up(self, names: frozenset[str]) -> bool:
        return all(name in self._states and self._states[name].is_up for name in names & self._checks.keys())

    async def start(self) -> None:
        """Begin checking; returns after the first outcomes, or after three seconds without them."""
        first = {name: asyncio.Event() for name in self._checks}
        self._tasks = [
            asyncio.create_task(self._watch(name, check, first[name])) for name, check in self._checks.items()
        ]
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_LOOK_SECONDS):
                for seen in first.values():
                    await seen.wait()

    async def stop(self) -> None:
        await ended(*self._tasks)

    async def _watch(self, name: str, check: Check, seen: asyncio.Event) -> None:
        while True:
            before = self._states.get(name)
            state = await _outcome(check)
            self._states[name] = state
            DEPENDENCY_UP.labels(name).set(state.is_up)
            DEPENDENCY_SECONDS.labels(name).set(state.seconds)
            if before is None or before.is_up != state.is_up:
                if not state.is_up:
                    _log.warning("dependency is down", dependency=name, failure=state.failure)
                elif before is not None:
                    _log.info("dependency is back", dependency=name)
                await self._changed(name, state.is_up)
            seen.set()
            await asyncio.sleep(self._interval)


async def _outcome(check: Check) -> DependencyState:
    started = time.monotonic()
    failure = ""
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            await check()
    except Exception as error:  # noqa: BLE001 - whatever a driver raises means: not usable now
        failure = type(error).__name__
    return DependencyState(not failure, time.monotonic() - started, time.time(), failure)
