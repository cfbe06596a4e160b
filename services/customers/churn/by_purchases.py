"""What a model of purchases says: whether customers will come back, and whether the usual show was missed."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.customers.lifetime.purchase_model import PurchaseModel, no_purchase
from services.customers.lifetime.summaries import Array, Summaries

USUAL_QUANTILE: Final = 0.9


def churn_probability(model: PurchaseModel, at: Array, seen: Summaries, horizon: float) -> Array:
    """P(no purchase within the horizon), row by row.

    Never 1 - P(alive): BG/NBD holds every one-time buyer for alive, so that it would rank them last.
    """
    groups, of = seen.grouped()
    return no_purchase(model, at, groups, horizon)[of]


def usual_gap(at: Array, seen: Summaries, quantile: float = USUAL_QUANTILE) -> Array:
    """Time after the last purchase within which a customer who stays buys again with this probability.

    The first two parameters of every model are r and alpha: after x purchases until t_x the rate is
    gamma(r + x, alpha + t_x), and the time to the next one Lomax. NaN for customers without a repeat, who
    have no usual show yet.

    Source: the gamma mixture of exponential gaps in Fader, Hardie and Lee (2005), section 2, inverted.

    Args:
        at: Parameters of a model of purchases.
        seen: Histories.
        quantile: Between 0 and 1, both excluded.
    """
    r, alpha = at[:2]
    gaps = (alpha + seen.recency) * np.expm1(-np.log1p(-quantile) / (r + seen.repeats))
    return np.where(seen.repeats > 0, gaps, np.nan)


def missed_usual_show(at: Array, seen: Summaries, quantile: float = USUAL_QUANTILE) -> NDArray[np.bool_]:
    """Whether the time since the last purchase is beyond the customer's own expected gap."""
    return np.asarray(seen.age - seen.recency > usual_gap(at, seen, quantile))
