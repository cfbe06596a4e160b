"""Questions and answers of the closed vocabulary as messages of the contract."""

from collections.abc import Iterable
from typing import Final, cast
from uuid import UUID

from tickettoken.metrics.v1 import query_pb2

from libs.common.amounts import money_message
from libs.common.buckets import Granularity, Window
from libs.common.errors import FieldViolation, InvalidField
from libs.common.moments import moment_of, timestamp_of
from services.metrics.query.question import Question
from services.metrics.query.rows import Result, Row
from services.metrics.query.vocabulary import Label, Metric, misfits
from services.metrics.sales.reader import SalesFilter

_DEFAULT_LIMIT: Final = 1000


def question_of(request: query_pb2.ExecuteQueryRequest) -> Question:
    """What the request asks.

    Raises:
        InvalidField: A metric lacks a label or a filter, or the window is empty or outside the calendar.
    """
    metrics = tuple(Metric(word) for word in request.metrics)
    labels = frozenset(Label(word) for word in request.group_by)
    given = tuple(field.json_name for field, _ in request.filters.ListFields())
    violations = list(misfits(metrics, labels, given))
    if Metric.CUSTOMER_METRICS in metrics and len(request.filters.venue_ids) > 1:
        violations.append(FieldViolation("filters.venueIds", "customerMetrics is of one venue or of all"))
    if violations:
        raise InvalidField(f"{violations[0].field}: {violations[0].description}", violations=violations)
    times = request.time_range
    return Question(
        metrics=metrics,
        window=Window.of(
            moment_of(times.start, "timeRange.start"),
            moment_of(times.end, "timeRange.end"),
            fields=("timeRange.start", "timeRange.end"),
        ),
        granularity=cast("Granularity", times.granularity or "day"),
        where=_filter_of(request.filters),
        labels=labels,
        limit=request.limit if request.HasField("limit") else _DEFAULT_LIMIT,
        time_zone=request.time_zone,
    )


def response_of(results: Iterable[Result]) -> query_pb2.ExecuteQueryResponse:
    made = list(results)
    newest = max((one.as_of for one in made if one.as_of is not None), default=None)
    return query_pb2.ExecuteQueryResponse(
        results=[
            query_pb2.QueryResult(
                metric=one.metric, rows=[_row_message(row) for row in one.rows], truncated=one.truncated
            )
            for one in made
        ],
        as_of=timestamp_of(newest),
    )


def _filter_of(filters: query_pb2.QueryFilters) -> SalesFilter:
    return SalesFilter(
        venue_ids=_ids(filters.venue_ids),
        event_ids=_ids(filters.event_ids),
        channels=tuple(filters.channels),
        ticket_type_ids=_ids(filters.ticket_type_ids),
        currencies=tuple(filters.currencies),
    )


def _ids(texts: Iterable[str]) -> tuple[UUID, ...]:
    """Ids without repetitions: one id can be written in several ways."""
    return tuple(dict.fromkeys(UUID(text) for text in texts))


def _row_message(row: Row) -> query_pb2.QueryRow:
    labels = row.labels
    return query_pb2.QueryRow(
        start_time=timestamp_of(labels.start),
        venue_id=_text(labels.venue_id),
        event_id=_text(labels.event_id),
        channel=labels.channel,
        ticket_type_id=_text(labels.ticket_type_id),
        currency=row.currency,
        figures={name: figure for name, figure in row.figures.items() if figure is not None},
        amounts={name: money_message(amount, row.currency) for name, amount in row.amounts.items()},
    )


def _text(value: UUID | None) -> str:
    return "" if value is None else str(value)
