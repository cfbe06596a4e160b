"""gRPC: CustomersService's rows for export files."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from tickettoken.customers.v1 import rows_pb2

from libs.common.auth.expiry import require_unexpired
from libs.common.context import current_caller
from services.customers.exports.exporter import Exporter
from services.customers.exports.mapping import batch_messages, columns_message
from services.customers.exports.question import question_of
from services.customers.people.identity import caller_sees_pii


class ExportsServicer:
    """ExportRows."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter

    async def ExportRows(
        self, request: rows_pb2.ExportRowsRequest, _context: object
    ) -> AsyncGenerator[rows_pb2.ExportRowsResponse]:
        caller, question, shows_pii = current_caller(), question_of(request), caller_sees_pii()
        async with aclosing(self._exporter.batches(caller, question)) as batches:
            async for rows in batches:
                if not rows:
                    yield columns_message(question)
                    continue
                for message in batch_messages(question, rows, shows_pii=shows_pii):
                    require_unexpired(caller)
                    yield message
