"""gRPC: AnalyticsService's ticket method."""

from tickettoken.metrics.v1 import marketplace_pb2

from libs.common.context import current_caller
from services.metrics.tickets.status import TicketStatuses


class TicketsServicer:
    """GetTicketStatus."""

    def __init__(self, statuses: TicketStatuses) -> None:
        self._statuses = statuses

    async def GetTicketStatus(
        self, request: marketplace_pb2.GetTicketStatusRequest, _context: object
    ) -> marketplace_pb2.GetTicketStatusResponse:
        return await self._statuses.page(current_caller().scope, request)
