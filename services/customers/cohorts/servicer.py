"""gRPC: InsightsService's method about cohorts."""

from tickettoken.customers.v1 import cohorts_pb2

from libs.common.context import current_caller
from services.customers.cohorts.answers import CohortAnswers


class CohortServicer:
    """GetCohortAnalysis."""

    def __init__(self, answers: CohortAnswers) -> None:
        self._answers = answers

    async def GetCohortAnalysis(
        self, request: cohorts_pb2.GetCohortAnalysisRequest, _context: object
    ) -> cohorts_pb2.GetCohortAnalysisResponse:
        return await self._answers.analysis(current_caller().scope, request)
