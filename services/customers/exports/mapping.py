"""Rows as messages of the contract, people as far as the caller may know them."""

from collections.abc import Iterator, Sequence
from typing import Any

from tickettoken.customers.v1 import rows_pb2

from libs.common.tables.messages import column_messages, row_batches
from services.customers.exports.question import Question
from services.customers.people.masked_columns import masked_rows


def columns_message(question: Question) -> rows_pb2.ExportRowsResponse:
    return rows_pb2.ExportRowsResponse(columns=column_messages(question.columns))


def batch_messages(
    question: Question, rows: Sequence[Sequence[Any]], *, shows_pii: bool
) -> Iterator[rows_pb2.ExportRowsResponse]:
    """The rows in one message, or in several where they are long.

    Args:
        question: What was asked for.
        rows: At least one row of its data set.
        shows_pii: Whether the caller may see who people are.
    """
    if not shows_pii:
        rows = masked_rows([column.name for column in question.dataset.columns], rows)
    for batch in row_batches(question.columns, question.places, rows):
        yield rows_pb2.ExportRowsResponse(batch=batch)
