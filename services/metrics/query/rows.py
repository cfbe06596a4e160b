"""Rows of an answer, made from figures of sales and visits; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.metrics.query.question import Times
from services.metrics.query.vocabulary import Metric
from services.metrics.sales.reader import SalesRow
from services.metrics.visits.labelled import LabelledCounts


class Labels(NamedTuple):
    """What a row is about; what was not asked for, or is not told, is None or empty."""

    start: datetime | None = None
    venue_id: UUID | None = None
    event_id: UUID | None = None
    channel: str = ""
    ticket_type_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row: counts and ratios by name (None: not defined), and amounts by name in minor units."""

    labels: Labels
    currency: str
    figures: Mapping[str, float | None]
    amounts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to one metric; `as_of` tells the newest fact that was read for it."""

    metric: Metric
    rows: tuple[Row, ...]
    truncated: bool
    as_of: datetime | None

    @classmethod
    def cut(cls, metric: Metric, rows: Sequence[Row], limit: int, as_of: datetime | None) -> "Result":
        """The first rows, as many as are wanted."""
        return cls(metric, tuple(rows[:limit]), len(rows) > limit, as_of)


def amounts_of(rows: Iterable[SalesRow]) -> dict[str, int]:
    """Money of one currency."""
    kept = list(rows)
    return {
        "gross": sum(row.gross_minor for row in kept),
        "refunds": sum(row.refund_minor for row in kept),
        "fees": sum(row.fee_minor for row in kept),
        "net": sum(row.net_minor for row in kept),
    }


def counts_of(rows: Iterable[SalesRow]) -> dict[str, float | None]:
    """Pieces of rows that no order has two of."""
    kept = list(rows)
    return {
        "orderCount": sum(row.order_count for row in kept),
        "ticketCount": sum(row.ticket_count for row in kept),
        "refundedTicketCount": sum(row.refunded_ticket_count for row in kept),
    }


def revenue_rows(sales: Iterable[SalesRow], times: Times) -> list[Row]:
    """One row a combination of labels and currency that has anything left in the books, in their order."""
    return [
        Row(labels_of(row, times), row.currency, counts_of([row]), amounts_of([row]))
        for row in sales
        if not row.is_empty
    ]


def ticket_rows(sales: Iterable[SalesRow], times: Times) -> list[Row]:
    """One row a combination of labels, over all currencies, in the order of the sales."""
    together: dict[Labels, list[SalesRow]] = {}
    for row in sales:
        if not row.is_empty:
            together.setdefault(labels_of(row, times), []).append(row)
    return [Row(labels, "", counts_of(rows)) for labels, rows in together.items()]


def conversion_rows(visits: Iterable[LabelledCounts], times: Times) -> list[Row]:
    """One row a combination of labels in which any session visited or ordered."""
    return [
        Row(
            Labels(times.start(counts.place), counts.venue_id, counts.event_id),
            "",
            {
                "visitorCount": counts.visitor_count,
                "orderingSessionCount": counts.ordering_session_count,
                "sessionCount": counts.session_count,
                "conversionRatio": counts.ordering_session_count / counts.session_count,
            },
        )
        for counts in visits
    ]


def labels_of(row: SalesRow, times: Times) -> Labels:
    return Labels(times.start(row.place), row.venue_id, row.event_id, row.channel, row.ticket_type_id)
