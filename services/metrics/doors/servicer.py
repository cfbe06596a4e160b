"""gRPC: RealtimeService's doors method."""

from uuid import UUID

from tickettoken.metrics.v1 import doors_pb2

from libs.common.context import current_caller
from services.metrics.doors.board import Doors
from services.metrics.doors.mapping import boards_message


class DoorsServicer:
    """GetDoorsBoard."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    async def GetDoorsBoard(
        self, request: doors_pb2.GetDoorsBoardRequest, _context: object
    ) -> doors_pb2.GetDoorsBoardResponse:
        event_id = UUID(request.event_id) if request.event_id else None
        boards = await self._doors.boards(current_caller().scope, UUID(request.venue_id), event_id)
        return boards_message(boards)
