"""Rows as messages of the contract: one packed array a column."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from tickettoken.common.v1 import table_pb2
from tickettoken.metrics.v1 import rows_pb2

from services.metrics.exports.dataset import Column, Kind

_MOST_BYTES: Final = 2**20
"""Far below the four mebibytes that a gRPC client accepts by default."""

_KINDS: Final = {
    Kind.STRING: table_pb2.Column.KIND_STRING,
    Kind.INTEGER: table_pb2.Column.KIND_INTEGER,
    Kind.NUMBER: table_pb2.Column.KIND_NUMBER,
    Kind.TIMESTAMP: table_pb2.Column.KIND_TIMESTAMP,
}


def columns_message(columns: Sequence[Column]) -> rows_pb2.ExportRowsResponse:
    return rows_pb2.ExportRowsResponse(
        columns=[table_pb2.Column(name=column.name, kind=_KINDS[column.kind]) for column in columns]
    )


def batch_messages(
    columns: Sequence[Column], places: Sequence[int], rows: Sequence[Sequence[Any]]
) -> Iterator[rows_pb2.ExportRowsResponse]:
    """The rows in one message, or in several where they are long.

    Args:
        columns: Columns to send.
        places: Where the rows have them.
        rows: At least one.
    """
    by_place = list(zip(*rows, strict=True))
    arrays = [_values(column.kind, by_place[place]) for column, place in zip(columns, places, strict=True)]
    message = rows_pb2.ExportRowsResponse(batch=table_pb2.RowBatch(row_count=len(rows), columns=arrays))
    if len(rows) == 1 or message.ByteSize() <= _MOST_BYTES:
        yield message
        return
    half = len(rows) // 2
    yield from batch_messages(columns, places, rows[:half])
    yield from batch_messages(columns, places, rows[half:])


def _values(kind: Kind, values: Sequence[Any]) -> table_pb2.ColumnValues:
    nulls: list[int] = []
    if None in values:
        nulls = [place for place, value in enumerate(values) if value is None]
        nothing: object = "" if kind is Kind.STRING else 0
        values = [nothing if value is None else value for value in values]
    if kind is Kind.STRING:
        return table_pb2.ColumnValues(strings=table_pb2.StringValues(values=values), null_rows=nulls)
    if kind is Kind.NUMBER:
        return table_pb2.ColumnValues(numbers=table_pb2.NumberValues(values=values), null_rows=nulls)
    numbers = table_pb2.IntegerValues(values=values)
    if kind is Kind.INTEGER:
        return table_pb2.ColumnValues(integers=numbers, null_rows=nulls)
    return table_pb2.ColumnValues(timestamps=numbers, null_rows=nulls)
