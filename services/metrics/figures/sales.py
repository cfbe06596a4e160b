"""Figures of what was sold."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final
from uuid import UUID

from libs.common.postgres.database import Connection
from services.metrics.figures.answers import Outcome, Value, labelled, outcome, too_many_groups
from services.metrics.figures.family import MOST_ROWS
from services.metrics.figures.questions import FigureQuestion, Reach, kind_of
from services.metrics.figures.vocabulary import CHANNEL, EVENT, TICKET_TYPE, VENUE, Figure
from services.metrics.sales.reader import Dimension, SalesFilter, SalesReader, SalesRow

_COUNTS: Final = frozenset({Figure.ORDER_COUNT, Figure.TICKET_COUNT, Figure.REFUNDED_TICKET_COUNT})

_SUMS: Final[Mapping[Figure, Callable[[SalesRow], int]]] = {
    Figure.GROSS_REVENUE: lambda row: row.gross_minor,
    Figure.REFUNDS: lambda row: row.refund_minor,
    Figure.NET_REVENUE: lambda row: row.net_minor,
    Figure.ORDER_COUNT: lambda row: row.order_count,
    Figure.TICKET_COUNT: lambda row: row.ticket_count,
    Figure.REFUNDED_TICKET_COUNT: lambda row: row.refunded_ticket_count,
}


@dataclass(frozen=True, slots=True)
class SalesFigures:
    """Money by currency, counts over all currencies; the facts are orders."""

    reader: SalesReader

    def kind(self, question: FigureQuestion) -> Hashable:
        return kind_of(question)

    async def answers(
        self, conn: Connection, tenant_id: UUID, questions: Sequence[FigureQuestion]
    ) -> Sequence[Outcome]:
        reach, first = Reach.of(questions), questions[0]
        told_apart = {
            Dimension.VENUE: reach.by_venue,
            Dimension.EVENT: reach.by_event,
            Dimension.CHANNEL: CHANNEL in first.labels,
            Dimension.TICKET_TYPE: TICKET_TYPE in first.labels,
        }
        where = SalesFilter(
            venue_ids=reach.venue_ids,
            event_ids=reach.event_ids,
            channels=() if first.channel is None else (first.channel,),
            ticket_type_ids=() if first.ticket_type_id is None else (first.ticket_type_id,),
        )
        rows = await self.reader.rows_in(
            conn,
            tenant_id,
            [first.window.start, first.window.end],
            where=where,
            by=frozenset(dimension for dimension, wanted in told_apart.items() if wanted),
            limit=MOST_ROWS + 1,
        )
        if len(rows) > MOST_ROWS:
            raise too_many_groups()
        return [_outcome(question, rows) for question in questions]


def _outcome(question: FigureQuestion, rows: Iterable[SalesRow]) -> Outcome:
    own = [row for row in rows if question.is_about(row.venue_id, row.event_id)]
    groups: dict[tuple[tuple[tuple[str, str], ...], str], list[SalesRow]] = {}
    for row in own:
        if not row.is_empty:
            labels = labelled(
                question.labels,
                {
                    VENUE: row.venue_id,
                    EVENT: row.event_id,
                    CHANNEL: row.channel,
                    TICKET_TYPE: row.ticket_type_id,
                },
            )
            currency = "" if question.figure in _COUNTS else row.currency
            groups.setdefault((tuple(labels.items()), currency), []).append(row)
    values = (
        Value(
            dict(labels),
            currency,
            _value(question.figure, grouped),
            sum(row.order_count for row in grouped),
        )
        for (labels, currency), grouped in groups.items()
    )
    return outcome(values, (row.newest_fact_at for row in own))


def _value(figure: Figure, rows: Sequence[SalesRow]) -> float | None:
    if figure is Figure.AVERAGE_ORDER_VALUE:
        orders = sum(row.order_count for row in rows)
        return round(Fraction(sum(row.gross_minor for row in rows), orders)) if orders else None
    return sum(_SUMS[figure](row) for row in rows)
