"""gRPC: methods about churn, of two services of the contract."""

from uuid import UUID

from tickettoken.customers.v1 import churn_pb2

from libs.common.context import current_caller
from services.customers.churn.answers import ChurnAnswers
from services.customers.churn.mapping import page_message, prediction_message
from services.customers.churn.risk import ChurnRisk
from services.customers.people.identity import caller_sees_pii


class ChurnPredictionServicer:
    """CustomerPredictionsService's PredictChurn."""

    def __init__(self, answers: ChurnAnswers) -> None:
        self._answers = answers

    async def PredictChurn(
        self, request: churn_pb2.PredictChurnRequest, _context: object
    ) -> churn_pb2.PredictChurnResponse:
        horizon_days = request.horizon_days if request.HasField("horizon_days") else None
        found = await self._answers.predict(
            current_caller().scope, UUID(request.venue_id), UUID(request.customer_id), horizon_days
        )
        return prediction_message(found)


class ChurnRiskServicer:
    """CustomerAnalyticsService's GetChurnRisk."""

    def __init__(self, risk: ChurnRisk) -> None:
        self._risk = risk

    async def GetChurnRisk(
        self, request: churn_pb2.GetChurnRiskRequest, _context: object
    ) -> churn_pb2.GetChurnRiskResponse:
        page = await self._risk.page(current_caller().scope, request)
        return page_message(page, shows_pii=caller_sees_pii())
