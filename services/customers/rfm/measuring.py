"""Recency, frequency and monetary value of customers from their purchases."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Measures:
    """Columns of equal length, one row a customer, by rising customer number."""

    customers: _Integers
    recency_days: _Integers
    order_counts: _Integers
    net_minor: _Integers


def measure(
    customers: _Integers,
    days: _Integers,
    net_minor: _Integers,
    *,
    as_of: int,
    window_days: int | None = 365,
) -> Measures:
    """Measures of everyone who bought before the day `as_of`.

    Recency looks at all history. Frequency and monetary value look at the window: the `window_days` days
    before `as_of`; whoever bought only earlier has 0 of both.

    Args:
        customers: Customer numbers, one an order; the order of the rows does not matter.
        days: Local days of the orders, as whole days of one calendar.
        net_minor: What the orders brought net of refunds, in one currency.
        as_of: The day that looks back; orders of it and later ones do not count yet.
        window_days: Length of the window, or None for all history.
    """
    past = days < as_of
    known, rows = np.unique(customers[past], return_inverse=True)
    latest = np.full(len(known), np.iinfo(np.int64).min)
    np.maximum.at(latest, rows, days[past])
    within = np.full(len(rows), fill_value=True) if window_days is None else days[past] >= as_of - window_days
    spent = np.zeros(len(known), np.int64)
    np.add.at(spent, rows[within], net_minor[past][within])
    counts = np.bincount(rows[within], minlength=len(known)).astype(np.int64)
    return Measures(known.astype(np.int64), as_of - latest, counts, spent)
