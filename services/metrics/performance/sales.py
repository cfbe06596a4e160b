"""Sales of one show: all of them, and how many of them are how young; pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from fractions import Fraction

from services.metrics.sales.figures import RevenueFigures, by_currency, newest_fact
from services.metrics.sales.rows import SalesRow


class Age(IntEnum):
    """Numbers of the buckets of `Sales`, by how long ago their sales were; after the last: still to come."""

    OLDER = 0
    WEEK = 1
    DAY = 2
    HOUR = 3
    TO_COME = 4


@dataclass(frozen=True, slots=True)
class Sales:
    """Sales of one show; `place` of a row is an `Age`."""

    rows: tuple[SalesRow, ...]

    @property
    def figures(self) -> tuple[RevenueFigures, ...]:
        return by_currency(self.rows)

    @property
    def average_prices(self) -> dict[str, int]:
        """Gross over tickets by currency, in minor units, rounded half to even; none without a ticket."""
        return {
            one.currency: round(Fraction(one.gross_minor, one.ticket_count))
            for one in self.figures
            if one.ticket_count
        }

    @property
    def refunded_ticket_count(self) -> int:
        return sum(row.refunded_ticket_count for row in self.rows)

    @property
    def newest_fact_at(self) -> datetime | None:
        return newest_fact(self.rows)

    def sold_since(self, age: Age) -> int:
        """Tickets sold at most as long ago, those that were returned since included."""
        return sum(row.ticket_count for row in self.rows if age <= row.place < Age.TO_COME)
