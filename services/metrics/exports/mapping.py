"""Rows as messages of the contract."""

from collections.abc import Iterator, Sequence
from typing import Any

from tickettoken.metrics.v1 import rows_pb2

from libs.common.tables.columns import Column
from libs.common.tables.messages import column_messages, row_batches


def columns_message(columns: Sequence[Column]) -> rows_pb2.ExportRowsResponse:
    return rows_pb2.ExportRowsResponse(columns=column_messages(columns))


def batch_messages(
    columns: Sequence[Column], places: Sequence[int], rows: Sequence[Sequence[Any]]
) -> Iterator[rows_pb2.ExportRowsResponse]:
    """The rows in one message, or in several where they are long.

    Args:
        columns: Columns to send.
        places: Where the rows have them.
        rows: At least one.
    """
    for batch in row_batches(columns, places, rows):
        yield rows_pb2.ExportRowsResponse(batch=batch)
