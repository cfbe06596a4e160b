"""Purchases of one place as customers' histories, and what each customer spent in each currency."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.customers.lifetime.purchases import Purchases
from services.customers.lifetime.summaries import Array, Codes, Histories, Summaries, summarised


@dataclass(frozen=True, slots=True, eq=False)
class Accounts:
    """One row a customer and currency, ascending by both.

    Attributes:
        customer: Code of the customer.
        currency: Code of the currency.
        purchase_count: Purchases that stand, all of them.
        historic: Net spend of all purchases in minor units.
        newest: Microseconds of the newest fact.
        history: Place of the customer in the histories; -1 for one who first bought after their end.
        share: Of the customer's purchases up to the end, those in this currency, 0 to 1.
        repeats: Days after the customer's first one with a purchase in this currency.
        spends: Mean spend of such a day; NaN where there was none.
        is_main: Whether it is the customer's currency of most purchases, then of most spend, then by code.
    """

    customer: Codes
    currency: Codes
    purchase_count: Codes
    historic: Codes
    newest: Codes
    history: Codes
    share: Array
    repeats: Array
    spends: Array
    is_main: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.customer)


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """What is known of a venue, or of the tenant as a whole."""

    histories: Histories
    accounts: Accounts
    customers: Codes
    """Customer of each purchase that stands, up to the end."""
    days: Codes
    """Day of each of them."""


def place_of(purchases: Purchases, customers: Codes, days: Codes, rows: Codes, *, end: int) -> Place:
    """Histories and accounts of some of the purchases.

    Args:
        purchases: All of them.
        customers: Code of the customer of each; codes below 2^31, ordered like the currencies' names.
        days: Local day of each.
        rows: Which purchases belong here.
        end: Last day of the histories.
    """
    customer, day, currency = customers[rows], days[rows], purchases.currency[rows].astype(np.int64)
    counted = purchases.stands[rows] & (day <= end)
    histories = summarised(customer[counted], day[counted], np.zeros(counted.sum()), end=end)
    width = len(purchases.currencies)
    keys, of = np.unique(customer * width + currency, return_inverse=True)
    money = purchases.spend[rows]
    accounts = _accounts(
        keys,
        width,
        histories,
        purchase_count=np.bincount(of, purchases.stands[rows], len(keys)).astype(np.int64),
        historic=_exact_sums(of, money, len(keys)),
        newest=_greatest(of, purchases.newest[rows], len(keys)),
        seen=np.bincount(of[counted], minlength=len(keys)).astype(np.float64),
        repeated=_repeated(
            histories,
            customer[counted],
            day[counted],
            of=of[counted],
            money=money[counted],
            count=len(keys),
        ),
    )
    return Place(histories, accounts, customer[counted], day[counted])


def _accounts(
    keys: Codes,
    width: int,
    histories: Histories,
    *,
    purchase_count: Codes,
    historic: Codes,
    newest: Codes,
    seen: Array,
    repeated: tuple[Array, Array],
) -> Accounts:
    customer, currency = keys // width, keys % width
    starts = (
        np.flatnonzero(np.r_[True, customer[1:] != customer[:-1]]) if len(keys) else np.empty(0, np.int64)
    )
    of = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(keys))))
    totals = np.bincount(of, seen, len(starts))
    repeats, spent = repeated
    order = np.lexsort((-currency, historic, purchase_count, customer))
    is_main = np.zeros(len(keys), np.bool_)
    is_main[order[np.append(starts[1:], len(keys)) - 1] if len(keys) else order] = True
    found = np.searchsorted(histories.customers, customer)
    known = found < len(histories.customers)
    known[known] = histories.customers[found[known]] == customer[known]
    kept = (purchase_count > 0) | (historic != 0)
    return Accounts(
        customer[kept],
        currency[kept],
        purchase_count[kept],
        historic[kept],
        newest[kept],
        np.where(known, found, -1)[kept],
        np.divide(seen, totals[of], out=np.zeros(len(keys)), where=totals[of] > 0)[kept],
        repeats[kept],
        np.divide(spent, repeats, out=np.full(len(keys), np.nan), where=repeats > 0)[kept],
        is_main[kept],
    )


def _repeated(
    histories: Histories, customer: Codes, day: Codes, *, of: Codes, money: Codes, count: int
) -> tuple[Array, Array]:
    """Distinct days of each account after the customer's first day, and what was spent on them."""
    if not len(day):
        return np.zeros(count), np.zeros(count)
    first = np.full(len(histories.customers), np.iinfo(np.int64).max)
    places = np.searchsorted(histories.customers, customer)
    np.minimum.at(first, places, day)
    later = day > first[places]
    start, span = int(day.min()), int(day.max() - day.min()) + 1
    distinct = np.unique(of[later] * span + (day[later] - start))
    repeats = np.bincount(distinct // span, minlength=count).astype(np.float64)
    return repeats, np.bincount(of[later], money[later], count).astype(np.float64)


def _exact_sums(of: Codes, values: Codes, count: int) -> Codes:
    sums = np.zeros(count, np.int64)
    np.add.at(sums, of, values)
    return sums


def _greatest(of: Codes, values: Codes, count: int) -> Codes:
    greatest = np.full(count, np.iinfo(np.int64).min)
    np.maximum.at(greatest, of, values)
    return greatest


def summaries_of(place: Place, accounts: Codes) -> Summaries:
    """Histories of the customers of some accounts, row by row; each has one."""
    seen, at = place.histories.summaries, place.accounts.history[accounts]
    return Summaries(seen.repeats[at], seen.recency[at], seen.age[at], np.ones(len(at)))
