"""gRPC: InsightsService's preferences."""

from uuid import UUID

from tickettoken.customers.v1 import preferences_pb2

from libs.common.context import current_caller
from services.customers.preferences.mapping import preferences_message
from services.customers.preferences.preferences import Tastes


class PreferencesServicer:
    """GetUserPreferences."""

    def __init__(self, tastes: Tastes) -> None:
        self._tastes = tastes

    async def GetUserPreferences(
        self, request: preferences_pb2.GetUserPreferencesRequest, _context: object
    ) -> preferences_pb2.GetUserPreferencesResponse:
        found = await self._tastes.of_user(current_caller().scope, UUID(request.user_id))
        return preferences_message(found)
