"""gRPC: AnalyticsService's rows for export files."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from tickettoken.metrics.v1 import rows_pb2

from libs.common.auth.expiry import require_unexpired
from libs.common.context import current_caller
from services.metrics.exports.exporter import Exporter
from services.metrics.exports.mapping import batch_messages, columns_message
from services.metrics.exports.question import question_of


class ExportsServicer:
    """ExportRows."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter

    async def ExportRows(
        self, request: rows_pb2.ExportRowsRequest, _context: object
    ) -> AsyncGenerator[rows_pb2.ExportRowsResponse]:
        caller, question = current_caller(), question_of(request)
        async with aclosing(self._exporter.batches(caller.scope, question)) as batches:
            async for rows in batches:
                if not rows:
                    yield columns_message(question.columns)
                    continue
                for message in batch_messages(question.columns, question.places, rows):
                    require_unexpired(caller)
                    yield message
