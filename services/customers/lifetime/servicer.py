"""gRPC: methods about lifetime value, of three services of the contract."""

from uuid import UUID

from tickettoken.customers.v1 import lifetime_pb2

from libs.common.context import current_caller
from services.customers.lifetime.answers import LifetimeValues
from services.customers.lifetime.mapping import asked_of, prediction_message, summary_message, value_message


class LifetimeServicer:
    """CustomersService's GetLifetimeValue."""

    def __init__(self, values: LifetimeValues) -> None:
        self._values = values

    async def GetLifetimeValue(
        self, request: lifetime_pb2.GetLifetimeValueRequest, _context: object
    ) -> lifetime_pb2.GetLifetimeValueResponse:
        value = await self._values.value(
            current_caller().scope, UUID(request.venue_id), UUID(request.customer_id)
        )
        return value_message(value)


class LifetimePredictionServicer:
    """CustomerPredictionsService's PredictLifetimeValue."""

    def __init__(self, values: LifetimeValues) -> None:
        self._values = values

    async def PredictLifetimeValue(
        self, request: lifetime_pb2.PredictLifetimeValueRequest, _context: object
    ) -> lifetime_pb2.PredictLifetimeValueResponse:
        asked = asked_of(request)
        value = await self._values.predict(
            current_caller().scope, UUID(request.venue_id), UUID(request.customer_id), asked
        )
        return prediction_message(value, asked)


class LifetimeSummaryServicer:
    """CustomerAnalyticsService's GetLifetimeValueSummary."""

    def __init__(self, values: LifetimeValues) -> None:
        self._values = values

    async def GetLifetimeValueSummary(
        self, request: lifetime_pb2.GetLifetimeValueSummaryRequest, _context: object
    ) -> lifetime_pb2.GetLifetimeValueSummaryResponse:
        venue_id = UUID(request.venue_id) if request.venue_id else None
        scope = current_caller().scope
        found = await self._values.summaries(scope, venue_id)
        return lifetime_pb2.GetLifetimeValueSummaryResponse(
            summaries=[summary_message(summary, scope) for summary in found]
        )
