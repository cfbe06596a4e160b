"""gRPC: MetricsService's method for many figures."""

from tickettoken.metrics.v1 import figures_pb2

from libs.common.context import current_caller
from services.metrics.figures.figures import FigureReader
from services.metrics.figures.mapping import questions_of, response_of


class FiguresServicer:
    """QueryFigures."""

    def __init__(self, reader: FigureReader) -> None:
        self._reader = reader

    async def QueryFigures(
        self, request: figures_pb2.QueryFiguresRequest, _context: object
    ) -> figures_pb2.QueryFiguresResponse:
        questions = questions_of(request.queries)
        return response_of(request.queries, await self._reader.answers(current_caller().scope, questions))
