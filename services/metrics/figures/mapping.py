"""Queries and results as messages of the contract."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from tickettoken.metrics.v1 import figures_pb2

from libs.common.buckets import Window
from libs.common.errors import AnalyticsError, FieldViolation, InvalidField
from libs.common.moments import moment_of, timestamp_of
from libs.common.rpc.validation import broken_rules
from services.metrics.figures.answers import Outcome, Value
from services.metrics.figures.questions import FigureQuestion, MetricQuestion, Question
from services.metrics.figures.vocabulary import CHANNEL, EVENT, TICKET_TYPE, Figure, filters_of, labels_of


def questions_of(queries: Iterable[figures_pb2.FigureQuery]) -> list[Question | AnalyticsError]:
    """What each query asks, or why it is refused."""
    seen: set[str] = set()
    questions: list[Question | AnalyticsError] = []
    for query in queries:
        try:
            if query.key in seen:
                raise InvalidField.of("key", "must be unique within the request")
            questions.append(_question_of(query))
        except InvalidField as refusal:
            questions.append(refusal)
        seen.add(query.key)
    return questions


def response_of(
    queries: Sequence[figures_pb2.FigureQuery], outcomes: Sequence[Outcome]
) -> figures_pb2.QueryFiguresResponse:
    return figures_pb2.QueryFiguresResponse(
        results=[_result(query.key, outcome) for query, outcome in zip(queries, outcomes, strict=True)]
    )


def _question_of(query: figures_pb2.FigureQuery) -> Question:
    _refuse(broken_rules(query))
    window = Window(
        moment_of(query.window.start_time, "window.startTime"),
        moment_of(query.window.end_time, "window.endTime"),
    )
    if query.HasField("metric_type"):
        _refuse(_problems_of_texts(query))
        return MetricQuestion(
            metric_type=query.metric_type,
            aggregation=query.aggregation,
            window=window,
            venue_id=UUID(query.venue_id),
            dimensions=tuple(sorted(query.filter.items())),
            labels=tuple(query.group_by),
        )
    figure = Figure(query.figure)
    _refuse([*_problems_of_texts(query), *_problems_of_labels(query, figure)])
    ticket_type_id = query.filter.get(TICKET_TYPE)
    return FigureQuestion(
        figure=figure,
        window=window,
        venue_id=UUID(query.venue_id) if query.venue_id else None,
        event_id=UUID(query.event_id) if query.event_id else None,
        channel=query.filter.get(CHANNEL),
        ticket_type_id=None if ticket_type_id is None else UUID(ticket_type_id),
        labels=tuple(query.group_by),
    )


def _problems_of_texts(query: figures_pb2.FigureQuery) -> Iterable[FieldViolation]:
    """PostgreSQL holds no text with the character U+0000."""
    if any("\0" in text for pair in query.filter.items() for text in pair):
        yield FieldViolation("filter", "must not contain the character U+0000")
    if any("\0" in label for label in query.group_by):
        yield FieldViolation("groupBy", "must not contain the character U+0000")


def _problems_of_labels(query: figures_pb2.FigureQuery, figure: Figure) -> Iterable[FieldViolation]:
    labels, filters = labels_of(figure), filters_of(figure)
    for label in query.group_by:
        if label not in labels:
            yield FieldViolation("groupBy", f"{figure} has no label {label!r}; it has {', '.join(labels)}")
    for name in sorted(query.filter):
        if name not in filters:
            allowed = ", ".join(filters) or "none: its venue and show are fields of the query"
            yield FieldViolation("filter", f"{figure} has no filter {name!r}; it has {allowed}")
    if figure is Figure.PACING_PERCENTILE and not query.event_id and EVENT not in query.group_by:
        yield FieldViolation(
            "groupBy", f"{figure} is of single shows: name one in eventId, or group by event_id"
        )
    if TICKET_TYPE in filters and not _is_id(query.filter.get(TICKET_TYPE, "")):
        yield FieldViolation("filter", f"{TICKET_TYPE} must be a UUID")


def _is_id(text: str) -> bool:
    """Whether a text is empty or an id."""
    try:
        return not text or bool(UUID(text).hex)
    except ValueError:
        return False


def _refuse(violations: Iterable[FieldViolation]) -> None:
    found = list(violations)
    if found:
        text = "; ".join(f"{one.field or 'query'}: {one.description}" for one in found[:3])
        raise InvalidField(text, violations=found)


def _result(key: str, outcome: Outcome) -> figures_pb2.FigureResult:
    if isinstance(outcome, AnalyticsError):
        return figures_pb2.FigureResult(key=key, error_reason=outcome.reason, error_message=outcome.message)
    return figures_pb2.FigureResult(
        key=key, values=[_value(value) for value in outcome.values], as_of=timestamp_of(outcome.as_of)
    )


def _value(value: Value) -> figures_pb2.FigureValue:
    return figures_pb2.FigureValue(
        labels=value.labels, currency=value.currency, value=value.value, count=value.count
    )
