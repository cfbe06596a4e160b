"""Sales by period as measures, each with its trend and its shifts; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.metrics.sales.over_time import Bucket
from services.metrics.statistics.change_points import Shift, level_shifts
from services.metrics.statistics.trend import Trend, fitted


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure by period; `currency` is "" for counts, money is in its minor units."""

    name: str
    currency: str
    values: tuple[int, ...]

    @property
    def trend(self) -> Trend:
        return fitted(self.values)

    @property
    def shifts(self) -> list[Shift]:
        return level_shifts(self.values)


def measures_of(buckets: Sequence[Bucket]) -> tuple[Measure, ...]:
    """Orders, tickets, and the net revenue of each currency that was sold in.

    A period without sales has the value 0.
    """
    currencies = sorted({figures.currency for bucket in buckets for figures in bucket.figures})
    return (
        Measure("order_count", "", tuple(bucket.order_count for bucket in buckets)),
        Measure("ticket_count", "", tuple(bucket.ticket_count for bucket in buckets)),
        *(
            Measure("net_revenue", currency, tuple(_net(bucket, currency) for bucket in buckets))
            for currency in currencies
        ),
    )


def _net(bucket: Bucket, currency: str) -> int:
    return sum(figures.net_minor for figures in bucket.figures if figures.currency == currency)
