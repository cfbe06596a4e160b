"""gRPC: RealtimeService's sessions and AnalyticsService's funnel."""

from uuid import UUID

from tickettoken.metrics.v1 import funnel_pb2, sessions_pb2

from libs.common.context import current_caller
from libs.common.moments import moment_of
from services.metrics.visits.active import ActiveSessions
from services.metrics.visits.funnel import Funnel, FunnelQuestion


class SessionsServicer:
    """ListActiveSessions."""

    def __init__(self, sessions: ActiveSessions) -> None:
        self._sessions = sessions

    async def ListActiveSessions(
        self, request: sessions_pb2.ListActiveSessionsRequest, _context: object
    ) -> sessions_pb2.ListActiveSessionsResponse:
        return await self._sessions.page(current_caller().scope, request)


class FunnelServicer:
    """GetConversionFunnel."""

    def __init__(self, funnel: Funnel) -> None:
        self._funnel = funnel

    async def GetConversionFunnel(
        self, request: funnel_pb2.GetConversionFunnelRequest, _context: object
    ) -> funnel_pb2.GetConversionFunnelResponse:
        question = FunnelQuestion(
            start=moment_of(request.start_date, "startDate") if request.HasField("start_date") else None,
            end=moment_of(request.end_date, "endDate") if request.HasField("end_date") else None,
            venue_id=UUID(request.venue_id) if request.venue_id else None,
            event_id=UUID(request.event_id) if request.event_id else None,
        )
        return await self._funnel.answer(current_caller().scope, question)
