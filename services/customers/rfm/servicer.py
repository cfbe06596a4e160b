"""gRPC: CustomersService's method about scores."""

from uuid import UUID

from tickettoken.customers.v1 import rfm_pb2

from libs.common.context import current_caller
from services.customers.rfm.answers import ScoreAnswers


class RfmServicer:
    """GetRfm."""

    def __init__(self, answers: ScoreAnswers) -> None:
        self._answers = answers

    async def GetRfm(self, request: rfm_pb2.GetRfmRequest, _context: object) -> rfm_pb2.GetRfmResponse:
        scope = current_caller().scope
        return await self._answers.of_customer(scope, UUID(request.venue_id), UUID(request.customer_id))
