"""gRPC: CustomerPredictionsService's method about models."""

from uuid import UUID

from tickettoken.customers.v1 import models_pb2

from libs.common.context import current_caller
from services.customers.models.mapping import model_message
from services.customers.models.registry import CHURN_KINDS, CLV_KINDS, ModelRegistry


class ModelsServicer:
    """GetCustomerModelPerformance."""

    def __init__(self, registry: ModelRegistry) -> None:
        self._registry = registry

    async def GetCustomerModelPerformance(
        self, request: models_pb2.GetCustomerModelPerformanceRequest, _context: object
    ) -> models_pb2.GetCustomerModelPerformanceResponse:
        kinds = CHURN_KINDS if request.model_type == "churn" else CLV_KINDS
        venue_id = UUID(request.venue_id) if request.venue_id else None
        scope = current_caller().scope
        models = await self._registry.newest(scope, venue_id, kinds)
        return models_pb2.GetCustomerModelPerformanceResponse(
            models=[model_message(model, scope) for model in models]
        )
