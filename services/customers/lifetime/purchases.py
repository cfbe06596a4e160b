"""All purchases of a tenant as columns of numbers, and the local days on which they fell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from libs.common.buckets import Window, bucket_edges, microseconds
from services.customers.lifetime.summaries import Codes

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_DAYS: Final = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class Purchases:
    """One row an order and currency that it moved money in, as the read model has them, in any order."""

    customer_high: NDArray[np.uint64]
    customer_low: NDArray[np.uint64]
    venue: NDArray[np.int32]
    """Place in the list of the tenant's venues."""
    currency: NDArray[np.int32]
    """Place in `currencies`, which ascend."""
    sold: Codes
    """Microseconds since 1970, UTC."""
    stands: NDArray[np.bool_]
    """Whether it counts as a purchase."""
    spend: Codes
    """Minor units, refunds taken off."""
    newest: Codes
    """Microseconds of the newest fact behind the row."""
    currencies: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.sold)


@dataclass(frozen=True, slots=True, eq=False)
class Customers:
    """The distinct customers of purchases; the place of an id here is its code."""

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.high)


def customers_of(purchases: Purchases) -> tuple[Customers, Codes]:
    """The customers in ascending order of their ids, and the code of each purchase's."""
    order = np.lexsort((purchases.customer_low, purchases.customer_high))
    high, low = purchases.customer_high[order], purchases.customer_low[order]
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    codes = np.empty(len(order), np.int64)
    codes[order] = np.cumsum(is_new) - 1
    return Customers(high[is_new], low[is_new]), codes


def local_days(purchases: Purchases, clocks: Sequence[ZoneInfo]) -> Codes:
    """Number (`date.toordinal`) of the local day of each purchase, on the clock of its venue."""
    days = np.zeros(len(purchases), np.int64)
    for place, clock in enumerate(clocks):
        rows = np.flatnonzero(purchases.venue == place)
        if len(rows):
            days[rows] = _days_of(purchases.sold[rows], clock)
    return days


def _days_of(sold: Codes, clock: ZoneInfo) -> Codes:
    first, last = (_EPOCH + timedelta(microseconds=int(at)) for at in (sold.min(), sold.max()))
    window = Window(first, last + timedelta(microseconds=1))
    edges = bucket_edges(window, "day", clock, limit=_MOST_DAYS)
    # noon after an edge lies within its day, whichever way the clock was turned at midnight
    dates = [(edge + timedelta(hours=12)).astimezone(clock).date().toordinal() for edge in edges[:-1]]
    starts = np.array([microseconds(edge) for edge in edges[:-1]], np.int64)
    return np.array(dates, np.int64)[np.searchsorted(starts, sold, side="right") - 1]


def last_whole_day(moment: datetime, clock: ZoneInfo) -> date:
    """The local day before the one that holds the moment."""
    edge = bucket_edges(Window(moment, moment + timedelta(microseconds=1)), "day", clock)[0]
    return (edge - timedelta(hours=12)).astimezone(clock).date()
