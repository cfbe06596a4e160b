"""Discounted purchases to expect: times spend to expect, this is lifetime value."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from services.customers.lifetime.fitting import Estimate
from services.customers.lifetime.purchase_model import PurchaseModel
from services.customers.lifetime.summaries import Array, Summaries

INTERVAL: Final = (0.1, 0.9)
"""Ends of the 80 % interval: how far the fitted parameters may be off; what a customer spends varies more."""
_ROWS_AT_ONCE: Final = 1 << 15
_DERIVATIVE_STEP: Final = 1e-4
_LEAST: Final = 1e-300


@dataclass(frozen=True, slots=True)
class Terms:
    """What a value is asked for.

    Attributes:
        periods: Periods ahead.
        period: Length of a period, in weeks.
        discount: Rate of interest per period; 0.01 is 1 %.
        margin: Share of spend that is kept, 0 to 1.
    """

    periods: int
    period: float
    discount: float = 0.0
    margin: float = 1.0


def discounted(model: PurchaseModel, at: Array, seen: Summaries, terms: Terms) -> Array:
    """Expected purchases of each row within the terms, each worth its discounted margin.

    Times spend this is Σ ΔE[Y] E[M] margin / (1 + d)^k over the periods k from 1 on.

    Source: P. Fader, B. Hardie and K. L. Lee (2005), RFM and CLV: using iso-value curves, J. Marketing
    Research 42 (discounted increments).
    """
    total, before = np.zeros(len(seen)), np.zeros(len(seen))
    for period in range(1, terms.periods + 1):
        expected = model.expected(at, seen, period * terms.period)
        total += (expected - before) * terms.margin / (1 + terms.discount) ** period
        before = expected
    return total


def spend_draws(spend: Estimate, draws: int, seed: int) -> Array:
    """Parameters of spend as they might have been estimated; those without a population mean left out."""
    paid = spend.draws(4 * draws, seed + 1)
    return np.asarray(paid[paid[:, 1] > 1][:draws])


def drawn_purchases(
    model: PurchaseModel, purchases: Estimate, seen: Summaries, terms: Terms, *, draws: int, seed: int
) -> Array:
    """Discounted purchases of each row by each drawn parameter set, a line each.

    Source: B. Efron and R. Tibshirani (1993), An Introduction to the Bootstrap, chapter 6.5 (parametric; we
    draw the estimates from their large-sample distribution instead of fitting simulated customers again).
    """
    drawn = purchases.draws(draws, seed)
    at_once = max(1, _ROWS_AT_ONCE // max(1, len(seen)))
    parts = []
    for start in range(0, draws, at_once):
        some = drawn[start : start + at_once]
        columns = (seen.repeats, seen.recency, seen.age, seen.weights)
        repeated = Summaries(*(np.tile(column, len(some)) for column in columns))
        at = np.repeat(some.T, len(seen), axis=1)
        parts.append(discounted(model, at, repeated, terms).reshape(len(some), len(seen)))
    return np.concatenate(parts)


def nearby_purchases(
    model: PurchaseModel, purchases: Estimate, seen: Summaries, terms: Terms, *, draws: int, seed: int
) -> Array:
    """The same to first order in the logarithms, at the cost of eight evaluations instead of `draws`.

    For many customers, whose parameters are known so well that the draws lie close to the estimate.
    """
    moves = np.log(purchases.draws(draws, seed) / purchases.at)
    steps = np.eye(len(purchases.at)) * _DERIVATIVE_STEP

    def log(at: Array) -> Array:
        return np.log(np.maximum(discounted(model, at, seen, terms), _LEAST))

    middle = log(purchases.at)
    slopes = [log(purchases.at * np.exp(step)) - log(purchases.at * np.exp(-step)) for step in steps]
    return np.asarray(np.exp(middle + moves @ np.stack(slopes) / (2 * _DERIVATIVE_STEP)))
