"""Counts of customers."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """Customers with an order in a window; returning ones had one before it."""

    active_count: int
    returning_count: int
    newest_fact_at: datetime | None

    @property
    def new_count(self) -> int:
        """Customers whose first order lies in the window."""
        return self.active_count - self.returning_count
