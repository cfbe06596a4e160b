"""The words of a question, and which of them go together."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from libs.common.errors import FieldViolation


class Metric(StrEnum):
    """What can be computed."""

    REVENUE = "revenue"
    TICKET_SALES = "ticketSales"
    CONVERSION_RATE = "conversionRate"
    CUSTOMER_METRICS = "customerMetrics"
    TOP_EVENTS = "topEvents"
    SALES_TRENDS = "salesTrends"


class Label(StrEnum):
    """What can be answered by."""

    TIME = "time"
    VENUE = "venue"
    EVENT = "event"
    CHANNEL = "channel"
    TYPE = "type"


_OF_A_SALE: Final = (Label.VENUE, Label.EVENT, Label.CHANNEL, Label.TYPE)

LABELS: Final[Mapping[Metric, tuple[Label, ...]]] = {
    Metric.REVENUE: (Label.TIME, *_OF_A_SALE),
    Metric.TICKET_SALES: (Label.TIME, *_OF_A_SALE),
    Metric.CONVERSION_RATE: (Label.TIME, Label.VENUE, Label.EVENT),
    Metric.CUSTOMER_METRICS: (),
    Metric.TOP_EVENTS: (Label.VENUE, Label.EVENT),
    Metric.SALES_TRENDS: _OF_A_SALE,
}
FILTERS: Final[Mapping[Metric, tuple[str, ...]]] = {
    Metric.CONVERSION_RATE: ("venueIds", "eventIds"),
    Metric.CUSTOMER_METRICS: ("venueIds",),
}


def misfits(
    metrics: tuple[Metric, ...], labels: frozenset[Label], filters: tuple[str, ...]
) -> Iterator[FieldViolation]:
    """Labels and filters that a metric asked for does not have, each with what that metric allows.

    Args:
        metrics: The metrics asked for.
        labels: What to answer by.
        filters: The filters that are given, as JSON names them.
    """
    for metric in metrics:
        words = ", ".join(f'"{each}"' for each in LABELS[metric]) or "nothing"
        for label in sorted(labels.difference(LABELS[metric])):
            yield FieldViolation("groupBy", f'{metric} has no label "{label}"; it can be grouped by {words}')
        for name in filters:
            if name not in FILTERS.get(metric, filters):
                named = ", ".join(FILTERS[metric])
                yield FieldViolation(f"filters.{name}", f"{metric} has only the filters {named}")
