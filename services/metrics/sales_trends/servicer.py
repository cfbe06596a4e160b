"""gRPC: AnalyticsService's method about trends of sales."""

from tickettoken.metrics.v1 import sales_pb2

from libs.common.context import current_caller
from services.metrics.sales_trends.answers import SalesTrendsAnswers


class SalesTrendsServicer:
    """GetSalesTrends."""

    def __init__(self, answers: SalesTrendsAnswers) -> None:
        self._answers = answers

    async def GetSalesTrends(
        self, request: sales_pb2.GetSalesTrendsRequest, _context: object
    ) -> sales_pb2.GetSalesTrendsResponse:
        return await self._answers.trends(current_caller().scope, request)
