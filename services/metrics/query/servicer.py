"""gRPC: AnalyticsService's method that takes a question."""

from tickettoken.metrics.v1 import query_pb2

from libs.common.context import current_caller
from services.metrics.query.executor import QueryExecutor
from services.metrics.query.mapping import question_of, response_of


class QueryServicer:
    """ExecuteQuery."""

    def __init__(self, executor: QueryExecutor) -> None:
        self._executor = executor

    async def ExecuteQuery(
        self, request: query_pb2.ExecuteQueryRequest, _context: object
    ) -> query_pb2.ExecuteQueryResponse:
        return response_of(await self._executor.answer(current_caller().scope, question_of(request)))
