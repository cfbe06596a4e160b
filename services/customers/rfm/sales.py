"""What people bought, summed by person and currency, and the figures of each person that are ranked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from libs.common.buckets import Window, bucket_edges, microseconds

Integers = NDArray[np.int64]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_BITS: Final = np.uint64((1 << 20) - 1)
_MOST_DAYS: Final = 200_000
_COLUMNS: Final = ("last_us", "last_day", "purchases", "spend_ever", "orders", "spend", "newest_us")


@dataclass(frozen=True, slots=True, eq=False)
class Sales:
    """One row a person, currency and place of sale, in any order.

    Attributes:
        high: Upper half of the person's id.
        low: Lower half.
        currency: Place in `currencies`.
        last_us: Microseconds of the last purchase since 1970; 0 without one in this currency.
        last_day: `date.toordinal` of its day on the clock of its venue; 0 without one.
        purchases: Purchases of all time.
        spend_ever: Net spend of all time, minor units.
        orders: Purchases in the window.
        spend: Net spend of what was sold in the window.
        newest_us: Microseconds of the newest fact.
        currencies: Codes, in alphabetical order.
    """

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    currency: Integers
    last_us: Integers
    last_day: Integers
    purchases: Integers
    spend_ever: Integers
    orders: Integers
    spend: Integers
    newest_us: Integers
    currencies: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.high)


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """One row a person who has bought, by rising id.

    Attributes:
        high: Upper half of the id.
        low: Lower half.
        currency: Place of the main currency in `currencies`: of most purchases, then of most spend, then the
            first by code.
        last_us: Microseconds of the last purchase.
        last_day: `date.toordinal` of its day.
        orders: Purchases in the window, in all currencies.
        spend: Net spend of the window in the main currency.
        newest_us: Microseconds of the newest fact.
        others: Net spend of the window in other currencies, by row, for those who have any.
        currencies: Codes, in alphabetical order.
    """

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    currency: Integers
    last_us: Integers
    last_day: Integers
    orders: Integers
    spend: Integers
    newest_us: Integers
    others: Mapping[int, Mapping[str, int]]
    currencies: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.high)

    def customer_id(self, row: int) -> UUID:
        return uuid_of(self.high[row], self.low[row])


def uuid_of(high: Any, low: Any) -> UUID:
    """The id of these halves."""
    return UUID(int=int(high) << 64 | int(low))


def moment_of_us(microseconds_since_1970: int) -> datetime:
    """The instant of so many microseconds."""
    return _EPOCH + timedelta(microseconds=microseconds_since_1970)


def halves_of(ids: Sequence[UUID]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Upper and lower halves of ids."""
    low = (1 << 64) - 1
    return (
        np.array([one.int >> 64 for one in ids], np.uint64),
        np.array([one.int & low for one in ids], np.uint64),
    )


def among(halves: tuple[NDArray[np.uint64], NDArray[np.uint64]], ids: Sequence[UUID]) -> NDArray[np.bool_]:
    """Whether each id, given by its halves, is one of some ids."""
    high, low = halves
    wanted = halves_of(ids)
    seen = np.zeros(_LAST_BITS + 1, np.bool_)
    seen[wanted[1] & _LAST_BITS] = True
    # a million would take long to sort: the last bits leave few to look at
    found: NDArray[np.bool_] = seen[low & _LAST_BITS]
    found[found] = np.isin(high[found], wanted[0])
    rows, known = np.flatnonzero(found), {one.int for one in ids}
    found[rows] = [
        upper << 64 | lower in known
        for upper, lower in zip(high[rows].tolist(), low[rows].tolist(), strict=True)
    ]
    return found


def local_days(moments_us: Integers, clock: ZoneInfo) -> Integers:
    """`date.toordinal` of each moment's day on a clock; 0 for 0, which is no moment."""
    days = np.zeros(len(moments_us), np.int64)
    given = moments_us > 0
    if not given.any():
        return days
    first, last = (
        _EPOCH + timedelta(microseconds=int(at)) for at in (moments_us[given].min(), moments_us.max())
    )
    edges = bucket_edges(Window(first, last + timedelta(microseconds=1)), "day", clock, limit=_MOST_DAYS)
    # noon after an edge lies within its day, whichever way the clock was turned at midnight
    dates = [(edge + timedelta(hours=12)).astimezone(clock).date().toordinal() for edge in edges[:-1]]
    starts = np.array([microseconds(edge) for edge in edges[:-1]], np.int64)
    days[given] = np.array(dates, np.int64)[np.searchsorted(starts, moments_us[given], side="right") - 1]
    return days


def joined(parts: Sequence[Sales]) -> Sales:
    """The rows of several venues as one."""
    codes = sorted({code for part in parts for code in part.currencies})
    of = {code: place for place, code in enumerate(codes)}

    def renamed(part: Sales) -> Integers:
        return np.array([of[code] for code in part.currencies], np.int64)[part.currency]

    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
    return Sales(
        high=np.concatenate([part.high for part in parts]),
        low=np.concatenate([part.low for part in parts]),
        currency=np.concatenate([renamed(part) for part in parts]),
        currencies=tuple(codes),
        **columns,
    )


def people_of(sales: Sales) -> People:
    """Everyone with a purchase that stands."""
    order = _order(sales)
    high, low, currency = sales.high[order], sales.low[order], sales.currency[order]
    new_person = _changes(high) | _changes(low)
    if new_person.all():
        return _of_single_rows(sales, order)
    pairs = np.flatnonzero(new_person | _changes(currency))
    totals = {
        name: _reduced(np.add, getattr(sales, name)[order], pairs)
        for name in ("purchases", "spend_ever", "orders", "spend")
    }
    latest = {
        name: _reduced(np.maximum, getattr(sales, name)[order], pairs)
        for name in ("last_us", "last_day", "newest_us")
    }
    starts = np.flatnonzero(new_person[pairs])
    person = np.cumsum(new_person[pairs]) - 1
    main = _main(person, starts, totals, currency[pairs])
    bought = _reduced(np.add, totals["purchases"], starts) > 0
    beside = (totals["spend"] != 0) & bought[person]
    beside[main] = False
    rows = (np.cumsum(bought) - 1)[person[beside]]
    codes = [sales.currencies[code] for code in currency[pairs][beside].tolist()]
    others = _others(rows.tolist(), codes, totals["spend"][beside].tolist())
    first = pairs[starts][bought]
    return People(
        high=high[first],
        low=low[first],
        currency=currency[pairs][main][bought],
        orders=_reduced(np.add, totals["orders"], starts)[bought],
        spend=totals["spend"][main][bought],
        others=others,
        currencies=sales.currencies,
        **{name: _reduced(np.maximum, column, starts)[bought] for name, column in latest.items()},
    )


def _of_single_rows(sales: Sales, order: Integers) -> People:
    """As `people_of` says, where nobody has two rows: nothing is summed and nothing compared."""
    rows = order[sales.purchases[order] > 0]
    return People(
        high=sales.high[rows],
        low=sales.low[rows],
        currency=sales.currency[rows],
        last_us=sales.last_us[rows],
        last_day=sales.last_day[rows],
        orders=sales.orders[rows],
        spend=sales.spend[rows],
        newest_us=sales.newest_us[rows],
        others={},
        currencies=sales.currencies,
    )


def _order(sales: Sales) -> Integers:
    """Rows by id and currency; the upper half alone decides where no two are alike, and sorts faster."""
    order = np.argsort(sales.high)
    high = sales.high[order]
    if (high[1:] == high[:-1]).any():
        order = np.lexsort((sales.currency, sales.low, sales.high))
    return np.asarray(order)


def _main(person: Integers, starts: Integers, totals: Mapping[str, Integers], currency: Integers) -> Integers:
    """The row of each person's main currency."""
    if len(starts) == len(person):
        return starts
    order = np.lexsort((-currency, totals["spend_ever"], totals["purchases"], person))
    ends = np.append(starts[1:], len(person)) - 1
    return np.asarray(order[ends])


def _others(rows: Sequence[int], codes: Sequence[str], spend: Sequence[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for row, code, amount in zip(rows, codes, spend, strict=True):
        found.setdefault(row, {})[code] = amount
    return found


def _changes(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a value differs from the one before; true at the first."""
    changes = np.ones(len(values), np.bool_)
    changes[1:] = values[1:] != values[:-1]
    return changes


def _reduced(how: np.ufunc, values: Integers, starts: Integers) -> Integers:
    return np.asarray(how.reduceat(values, starts)) if len(starts) else np.empty(0, np.int64)
