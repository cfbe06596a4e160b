"""Revenue figures of one currency."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from services.metrics.sales.rows import SalesRow


@dataclass(frozen=True, slots=True)
class RevenueFigures:
    """Money (minor units) and pieces of one currency over one window.

    `gross_minor` and the counts include what was refunded; `fee_minor` is after refunded fees.
    """

    currency: str
    order_count: int
    ticket_count: int
    gross_minor: int
    refund_minor: int
    fee_minor: int

    @property
    def net_minor(self) -> int:
        return self.gross_minor - self.refund_minor - self.fee_minor

    @property
    def average_order_minor(self) -> int | None:
        """Gross per order, rounded half to even; None without an order."""
        if self.order_count == 0:
            return None
        return round(Fraction(self.gross_minor, self.order_count))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left in the books: every order of the currency was voided."""
        return not (self.order_count or self.gross_minor or self.refund_minor or self.fee_minor)


def by_currency(rows: Iterable[SalesRow]) -> tuple[RevenueFigures, ...]:
    """One entry a currency with anything left in the books, by currency.

    Args:
        rows: Rows that no order has two of, such as those of different buckets or of different channels.
    """
    sums: dict[str, list[int]] = {}
    for row in rows:
        numbers = (row.order_count, row.ticket_count, row.gross_minor, row.refund_minor, row.fee_minor)
        kept = sums.setdefault(row.currency, [0] * len(numbers))
        sums[row.currency] = [old + new for old, new in zip(kept, numbers, strict=True)]
    figures = (RevenueFigures(currency, *numbers) for currency, numbers in sorted(sums.items()))
    return tuple(each for each in figures if not each.is_empty)


def newest_fact(rows: Iterable[SalesRow]) -> datetime | None:
    """Time of the newest event behind any of the rows, voided orders included."""
    return max((row.newest_fact_at for row in rows), default=None)
