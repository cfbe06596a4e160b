"""What a fitted place says of each of its accounts, in bulk."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.customers.lifetime.accounts import Place
from services.customers.lifetime.gamma_gamma import expected_spend
from services.customers.lifetime.summaries import Array, Codes, Summaries
from services.customers.lifetime.training import UNIT_DAYS, Serving, Trained
from services.customers.lifetime.value import (
    INTERVAL,
    Terms,
    discounted,
    drawn_purchases,
    nearby_purchases,
    spend_draws,
)

DRAWS: Final = 200
SEED: Final = 0
_EXACT_GROUPS: Final = 20_000
_CHUNK: Final = 4096


@dataclass(frozen=True, slots=True, eq=False)
class AccountValues:
    """One row an account of a place; NaN where no model serves it.

    Attributes:
        expected: Minor units to expect within the horizon.
        low: Lower end of the 80 % interval of that.
        high: Its upper end.
        purchases: Purchases to expect of the customer within the horizon, in all currencies.
        alive: P(alive) of the customer.
        totals: By code of the currency, the sum of `expected` under each drawn parameter set.
    """

    expected: Array
    low: Array
    high: Array
    purchases: Array
    alive: Array
    totals: dict[int, Array] = field(default_factory=dict)

    @classmethod
    def unknown(cls, count: int) -> "AccountValues":
        expected, low, high, purchases, alive = (np.full(count, np.nan) for _ in range(5))
        return cls(expected, low, high, purchases, alive)

    @property
    def is_modelled(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.expected)


def stored_terms(horizon_days: int) -> Terms:
    """Terms of stored values: one period, neither discount nor margin."""
    return Terms(1, horizon_days / UNIT_DAYS)


def account_values(place: Place, fits: Trained, terms: Terms) -> AccountValues:
    """Values of a place's accounts by its fits."""
    accounts = place.accounts
    values = AccountValues.unknown(len(accounts))
    serving = fits.purchases
    if serving is None:
        return values
    groups, of = place.histories.summaries.grouped()
    at = serving.estimate.at
    bought = discounted(serving.model, at, groups, terms)
    known = np.flatnonzero((accounts.history >= 0) & (accounts.share > 0))
    group = of[accounts.history[known]]
    ahead = serving.model.expected(at, groups, terms.periods * terms.period)
    values.purchases[known] = ahead[group]
    values.alive[known] = serving.model.alive(at, groups)[group]
    for currency, spend in fits.spends.items():
        own = accounts.currency[known] == currency
        rows, of_rows = known[own], group[own]
        paid = expected_spend(spend.at, accounts.repeats[rows], accounts.spends[rows])
        values.expected[rows] = bought[of_rows] * accounts.share[rows] * paid
        values.totals[currency] = _Intervals(place, values, serving, terms, groups).fill(
            rows, of_rows, spend_draws(spend, DRAWS, SEED)
        )
    return values


@dataclass(frozen=True, slots=True, eq=False)
class _Intervals:
    """Fills in how far drawn parameter sets move values."""

    place: Place
    values: AccountValues
    serving: Serving
    terms: Terms
    groups: Summaries

    def fill(self, rows: Codes, of: Codes, drawn_spend: Array) -> Array:
        """Intervals of some accounts; returns their total under each drawn parameter set.

        Args:
            rows: The accounts.
            of: Their groups.
            drawn_spend: Parameters of spend, a line each.
        """
        order = np.argsort(of, kind="stable")
        rows, of = rows[order], of[order]
        totals = np.zeros(len(drawn_spend))
        for start in range(0, len(self.groups), _CHUNK):
            first, end = np.searchsorted(of, (start, start + _CHUNK))
            if first == end:
                continue
            bought = self._bought(start, len(drawn_spend))
            for at in range(first, end, _CHUNK):
                part = slice(at, min(at + _CHUNK, end))
                totals += self._fill(rows[part], bought[:, of[part] - start], drawn_spend)
        return totals

    def _bought(self, start: int, draws: int) -> Array:
        stretch, groups = slice(start, start + _CHUNK), self.groups
        seen = Summaries(
            groups.repeats[stretch], groups.recency[stretch], groups.age[stretch], groups.weights[stretch]
        )
        draw = drawn_purchases if len(groups) <= _EXACT_GROUPS else nearby_purchases
        return draw(self.serving.model, self.serving.estimate, seen, self.terms, draws=draws, seed=SEED)

    def _fill(self, rows: Codes, bought: Array, drawn_spend: Array) -> Array:
        accounts = self.place.accounts
        drawn = expected_spend(drawn_spend.T[:, :, None], accounts.repeats[rows], accounts.spends[rows])
        drawn *= bought * accounts.share[rows]
        self.values.low[rows], self.values.high[rows] = np.quantile(drawn, INTERVAL, axis=0)
        return np.asarray(drawn.sum(axis=1))
