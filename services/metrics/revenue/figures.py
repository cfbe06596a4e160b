"""Revenue figures of one currency."""

from dataclasses import dataclass
from fractions import Fraction


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
