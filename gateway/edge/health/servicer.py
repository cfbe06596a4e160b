"""HealthService: the board, told to anyone; details to administrators."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from tickettoken.gateway.v1 import health_service_pb2 as pb

from gateway.edge.errors import NotReady
from gateway.edge.health.board import Board, Dependency
from gateway.edge.moments import timestamp
from gateway.edge.version import VERSION
from libs.common.auth.tokens import TokenVerifier
from libs.common.errors import AnalyticsError
from libs.common.rpc.call import Context, bearer_token

_ADMIN = "analytics.admin"


class HealthServicer:
    """Answers from the board; nothing is checked on request.

    Args:
        board: What is known.
        verifier: Looks into a token that was sent along, to show details to administrators.
        is_draining: Whether this process is about to stop.
    """

    def __init__(self, board: Board, verifier: TokenVerifier, is_draining: Callable[[], bool]) -> None:
        self._board = board
        self._verifier = verifier
        self._is_draining = is_draining
        self._started = time.monotonic()

    async def GetHealth(self, _request: pb.GetHealthRequest, _context: Context) -> pb.GetHealthResponse:
        return pb.GetHealthResponse(
            status=self._board.summary,
            version=VERSION,
            uptime_seconds=round(time.monotonic() - self._started, 3),
            time=timestamp(datetime.now(UTC)),
        )

    async def GetLiveness(self, _request: pb.GetLivenessRequest, _context: Context) -> pb.GetLivenessResponse:
        return pb.GetLivenessResponse(status="alive")

    async def GetReadiness(
        self, _request: pb.GetReadinessRequest, _context: Context
    ) -> pb.GetReadinessResponse:
        if self._is_draining():
            raise NotReady("the gateway is stopping", dependencies="")
        if missing := self._board.missing:
            raise NotReady("not ready: " + ", ".join(missing), dependencies=",".join(missing))
        return pb.GetReadinessResponse(status="ready")

    async def GetDependencies(
        self, _request: pb.GetDependenciesRequest, context: Context
    ) -> pb.GetDependenciesResponse:
        shows_details = await self._is_admin(context)
        return pb.GetDependenciesResponse(
            status=self._board.summary,
            dependencies=[_message(one, shows_details=shows_details) for one in self._board.dependencies],
        )

    async def _is_admin(self, context: Context) -> bool:
        """Whether an administrator's token came along; the method is public, so a bad token is no token."""
        metadata = dict(context.invocation_metadata() or ())
        try:
            caller = await self._verifier.verify(bearer_token(str(metadata.get("authorization", ""))))
        except AnalyticsError:
            return False
        return _ADMIN in caller.permissions


def _message(one: Dependency, *, shows_details: bool) -> pb.DependencyHealth:
    return pb.DependencyHealth(
        service=one.service,
        name=one.name,
        status=one.state,
        latency_ms=None if one.latency_ms is None else round(one.latency_ms, 2),
        checked_time=None if one.checked_at is None else timestamp(one.checked_at),
        required=one.is_required,
        detail=one.detail if shows_details else "",
    )
