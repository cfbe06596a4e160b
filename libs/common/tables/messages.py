"""Columns and rows as messages of the contract: one packed array a column."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from tickettoken.common.v1 import table_pb2

from libs.common.tables.columns import Column, Kind

_MOST_BYTES: Final = 2**20
"""Far below the four mebibytes that a gRPC client accepts by default."""
_FRAME: Final = 16
"""What the message around a batch may add to it."""

_KINDS: Final = {
    Kind.STRING: table_pb2.Column.KIND_STRING,
    Kind.INTEGER: table_pb2.Column.KIND_INTEGER,
    Kind.NUMBER: table_pb2.Column.KIND_NUMBER,
    Kind.TIMESTAMP: table_pb2.Column.KIND_TIMESTAMP,
    Kind.BOOLEAN: table_pb2.Column.KIND_BOOLEAN,
}


def column_messages(columns: Sequence[Column]) -> list[table_pb2.Column]:
    return [table_pb2.Column(name=column.name, kind=_KINDS[column.kind]) for column in columns]


def row_batches(
    columns: Sequence[Column], places: Sequence[int], rows: Sequence[Sequence[Any]]
) -> Iterator[table_pb2.RowBatch]:
    """The rows in one batch, or in several where they are long.

    Args:
        columns: Columns to send.
        places: Where the rows have them.
        rows: At least one.
    """
    by_place = list(zip(*rows, strict=True))
    arrays = [_values(column.kind, by_place[place]) for column, place in zip(columns, places, strict=True)]
    batch = table_pb2.RowBatch(row_count=len(rows), columns=arrays)
    if len(rows) == 1 or batch.ByteSize() <= _MOST_BYTES - _FRAME:
        yield batch
        return
    half = len(rows) // 2
    yield from row_batches(columns, places, rows[:half])
    yield from row_batches(columns, places, rows[half:])


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
    if kind is Kind.BOOLEAN:
        truths = table_pb2.BooleanValues(values=map(bool, values))
        return table_pb2.ColumnValues(booleans=truths, null_rows=nulls)
    numbers = table_pb2.IntegerValues(values=values)
    if kind is Kind.INTEGER:
        return table_pb2.ColumnValues(integers=numbers, null_rows=nulls)
    return table_pb2.ColumnValues(timestamps=numbers, null_rows=nulls)
