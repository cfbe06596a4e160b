"""What is known about every dependency, and what that means for requests. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from libs.common.rpc.dependency_report import DependencyCheck


class State(StrEnum):
    """State of one dependency."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


class Summary(StrEnum):
    """State of the whole: `degraded` means that requests work although something does not."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Dependency:
    """One dependency of one service as the last check saw it.

    `name` is the service's own for the service itself. `latency_ms` and `checked_at` are None before the
    first check. `detail` is for operators only.
    """

    service: str
    name: str
    state: State
    is_required: bool
    latency_ms: float | None = None
    checked_at: datetime | None = None
    detail: str = ""


class Board:
    """The last report of each service.

    Args:
        services: Services whose reports count; until one has reported it is unknown.
    """

    def __init__(self, services: Iterable[str]) -> None:
        self._reports: dict[str, tuple[Dependency, ...]] = {
            service: (Dependency(service, service, State.UNKNOWN, is_required=True),) for service in services
        }

    def post(self, service: str, report: Iterable[Dependency]) -> None:
        """Replace what is known about a service."""
        self._reports[service] = tuple(report)

    def known(self, service: str) -> tuple[Dependency, ...]:
        return self._reports[service]

    @property
    def dependencies(self) -> list[Dependency]:
        """Every dependency, by service, the service itself first, then by name."""
        everything = [dependency for report in self._reports.values() for dependency in report]
        return sorted(everything, key=lambda one: (one.service, one.name != one.service, one.name))

    @property
    def missing(self) -> list[str]:
        """What requests need and is not up, as service or service/name."""
        return [_label(one) for one in self.dependencies if one.is_required and one.state is not State.UP]

    @property
    def summary(self) -> Summary:
        if self.missing:
            return Summary.DOWN
        if any(one.state is not State.UP for one in self.dependencies):
            return Summary.DEGRADED
        return Summary.OK


def report_of(
    service: str, *, is_ready: bool, latency_ms: float, now: datetime, stores: Mapping[str, DependencyCheck]
) -> list[Dependency]:
    """What a service that answered says about itself and its stores."""
    itself = Dependency(
        service,
        service,
        State.UP if is_ready else State.DOWN,
        is_required=True,
        latency_ms=latency_ms,
        checked_at=now,
        detail="" if is_ready else "not ready",
    )
    return [itself, *(_of_store(service, name, check) for name, check in sorted(stores.items()))]


def report_of_silence(
    service: str, known: Iterable[Dependency], *, now: datetime, detail: str
) -> list[Dependency]:
    """What is left to say about a service that did not answer: it is down, its stores are anyone's guess."""
    stores = [one for one in known if one.name != service]
    return [
        Dependency(service, service, State.DOWN, is_required=True, checked_at=now, detail=detail),
        *(
            Dependency(service, one.name, State.UNKNOWN, is_required=False, checked_at=one.checked_at)
            for one in stores
        ),
    ]


def _of_store(service: str, name: str, check: DependencyCheck) -> Dependency:
    return Dependency(
        service,
        name,
        State.UP if check.is_up else State.DOWN,
        is_required=check.is_required,
        latency_ms=check.latency_ms,
        checked_at=check.checked_at,
        detail=check.failure,
    )


def _label(one: Dependency) -> str:
    return one.service if one.name == one.service else f"{one.service}/{one.name}"
