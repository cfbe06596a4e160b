"""Lifetime value: discounted expected purchases, times expected spend, times margin."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from services.customers.lifetime.fitting import Estimate
from services.customers.lifetime.gamma_gamma import expected_spend
from services.customers.lifetime.purchase_model import PurchaseModel
from services.customers.lifetime.summaries import Array, Histories

_INTERVAL: Final = (0.1, 0.9)
_CHUNK: Final = 4096


@dataclass(frozen=True, slots=True)
class Terms:
    """What a value is asked for.

    Attributes:
        periods: Periods ahead.
        period: Length of a period, in the unit of time of the histories.
        discount: Rate of interest per period; 0.01 is 1 %.
        margin: Share of spend that is kept, 0 to 1.
    """

    periods: int
    period: float
    discount: float = 0.0
    margin: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Value of each customer with an 80 % interval of that expectation, in money.

    The interval says how far the fitted parameters may be off; what a customer really spends varies more.
    """

    value: Array
    low: Array
    high: Array


def valued(
    model: PurchaseModel,
    purchases: Estimate,
    spend: Estimate,
    histories: Histories,
    terms: Terms,
    *,
    draws: int = 200,
    seed: int = 0,
) -> Values:
    """Each customer's Σ ΔE[Y] E[M] margin / (1 + d)^k over the periods k from 1 on.

    Source: P. Fader, B. Hardie and K. L. Lee (2005), RFM and CLV: using iso-value curves, J. Marketing
    Research 42 (discounted increments); B. Efron and R. Tibshirani (1993), An Introduction to the
    Bootstrap, chapter 6.5 (parametric; we draw the estimates from their large-sample distribution instead
    of fitting simulated customers again).

    Args:
        model: Model of purchases.
        purchases: Its parameters.
        spend: Parameters of the Gamma-Gamma model.
        histories: Customers.
        terms: Horizon, discount and margin.
        draws: Parameter sets that the interval is made from.
        seed: Equal seeds give equal intervals.
    """
    groups, of = histories.summaries.grouped()
    repeats, spends = histories.summaries.repeats, histories.spends

    def discounted(at: Array) -> Array:
        total, before = np.zeros(len(groups)), np.zeros(len(groups))
        for period in range(1, terms.periods + 1):
            expected = model.expected(at, groups, period * terms.period)
            total += (expected - before) * terms.margin / (1 + terms.discount) ** period
            before = expected
        return total

    value = discounted(purchases.at)[of] * expected_spend(spend.at, repeats, spends)
    bought = np.stack([discounted(at) for at in purchases.draws(draws, seed)])
    paid = spend.draws(4 * draws, seed + 1)
    paid = paid[paid[:, 1] > 1][:draws]  # without a population mean there is no expectation to draw
    bought = bought[: len(paid)]
    low, high = np.empty(len(of)), np.empty(len(of))
    for start in range(0, len(of), _CHUNK):
        part = slice(start, start + _CHUNK)
        drawn = np.stack([expected_spend(at, repeats[part], spends[part]) for at in paid])
        low[part], high[part] = np.quantile(bought[:, of[part]] * drawn, _INTERVAL, axis=0)
    return Values(value, low, high)
