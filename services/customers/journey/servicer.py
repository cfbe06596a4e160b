"""gRPC: CustomersService's journeys."""

from tickettoken.customers.v1 import journey_pb2

from libs.common.context import current_caller
from services.customers.journey.journey import Journeys
from services.customers.journey.mapping import journey_message


class JourneyServicer:
    """GetCustomerJourney."""

    def __init__(self, journeys: Journeys) -> None:
        self._journeys = journeys

    async def GetCustomerJourney(
        self, request: journey_pb2.GetCustomerJourneyRequest, _context: object
    ) -> journey_pb2.GetCustomerJourneyResponse:
        return journey_message(await self._journeys.page(current_caller().scope, request))
