"""How a process tells another about its dependencies: metadata beside the answer of grpc.health.v1 `List`."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

KEY = "dependency-checks"


class DependencyCheck(NamedTuple):
    """The last check of one dependency; `failure` names the kind of error and is empty when it is up."""

    is_up: bool
    is_required: bool
    latency_ms: float
    checked_at: datetime
    failure: str


class ReportingHealth(HealthServicer):  # type: ignore[misc]  # grpc_health ships no types
    """grpc.health.v1 with `List`, whose answer carries the latest checks as initial metadata.

    Args:
        checks: The latest checks by the dependency's name.
    """

    def __init__(self, checks: Callable[[], Mapping[str, DependencyCheck]]) -> None:
        super().__init__()
        self._checks = checks

    async def List(  # noqa: N802 - the RPC's name
        self, _request: health_pb2.HealthListRequest, context: Any
    ) -> health_pb2.HealthListResponse:
        await context.send_initial_metadata(((KEY, _written(self._checks())),))
        statuses = {
            name: health_pb2.HealthCheckResponse(status=status)
            for name, status in self._server_status.items()
        }
        return health_pb2.HealthListResponse(statuses=statuses)


def read_checks(text: str) -> dict[str, DependencyCheck]:
    """The checks in a value of the metadata; empty when the peer sent none."""
    if not text:
        return {}
    return {
        name: DependencyCheck(
            is_up, is_required, latency_ms, datetime.fromtimestamp(checked_at, UTC), failure
        )
        for name, (is_up, is_required, latency_ms, checked_at, failure) in json.loads(text).items()
    }


def _written(checks: Mapping[str, DependencyCheck]) -> str:
    return json.dumps(
        {name: (*check[:3], check.checked_at.timestamp(), check.failure) for name, check in checks.items()}
    )
