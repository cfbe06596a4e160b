"""Gamma-Gamma: spend per purchase, gamma about a customer's own mean, whose scale is gamma over customers."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from services.customers.lifetime.fitting import Estimate, FitRefused, Why, maximised
from services.customers.lifetime.summaries import Array

_NAME: Final = "gamma_gamma"
PARAMETERS: Final = ("p", "q", "gamma")
_FEWEST: Final = 30
_STARTS: Final = ((6.0, 4.0, 0.5), (1.0, 2.0, 1.0), (2.0, 10.0, 5.0), (20.0, 3.0, 0.1))


def log_likelihood(at: Array, repeats: Array, spends: Array) -> Array:
    """Log-likelihood of each repeater's mean spend m over x purchases.

    Source: P. Fader and B. Hardie (2013), The Gamma-Gamma model of monetary value, eq. 1a.
    """
    from scipy.special import gammaln

    p, q, gamma = at
    px, xm = p * repeats, repeats * spends
    shape = gammaln(px + q) - gammaln(px) - gammaln(q) + q * np.log(gamma)
    return np.asarray(shape + px * np.log(xm) - np.log(spends) - (px + q) * np.log(gamma + xm))


def gradient(at: Array, repeats: Array, spends: Array) -> Array:
    """Its derivative by p, q and gamma, a line each."""
    from scipy.special import digamma

    p, q, gamma = at
    px, xm = p * repeats, repeats * spends
    total, log_total = digamma(px + q), np.log(gamma + xm)
    by_p = repeats * (total - digamma(px) + np.log(xm) - log_total)
    by_q = total - digamma(q) + np.log(gamma) - log_total
    return np.stack((by_p, by_q, q / gamma - (px + q) / (gamma + xm)))


def expected_spend(at: Array, repeats: Array, spends: Array) -> Array:
    """E[M|x, m]: expected mean spend of a customer; the population's where there was no repeat.

    Finite for p x + q > 1 only, which `fitted` sees to.

    Source: Fader and Hardie (2013), eq. 5.
    """
    p, q, gamma = at
    known = np.where(repeats > 0, repeats * np.nan_to_num(spends), 0.0)
    return np.asarray(p * (gamma + known) / (p * repeats + q - 1))


@dataclass(frozen=True, slots=True, eq=False)
class Spend:
    """A fitted model and what the fit rests on: spend must not go with frequency."""

    estimate: Estimate
    repeater_count: int
    correlation: float | None
    """Pearson's, of repeats and mean spend; None where one of them never varies."""


def fitted(repeats: Array, spends: Array) -> Spend:
    """The model for these customers; those without a repeat, or without net spend, are left out.

    Raises:
        FitRefused: Fewer than 30 are left, no clear maximum, or a population mean that does not exist.
    """
    taken = (repeats > 0) & (np.nan_to_num(spends) > 0)
    order = np.lexsort((spends[taken], repeats[taken]))
    x, m = repeats[taken][order], spends[taken][order]
    if len(x) < _FEWEST:
        raise FitRefused(_NAME, Why.TOO_FEW_REPEATERS, f"fewer than {_FEWEST} customers bought again")
    scale = np.array([1.0, 1.0, float(m.mean())])

    def objective(logs: Array) -> tuple[float, Array]:
        at = np.exp(logs) * scale
        return -float(log_likelihood(at, x, m).sum()), -gradient(at, x, m).sum(axis=1) * at

    estimate = maximised(_NAME, objective, [np.log(start) for start in _STARTS], scale, len(x))
    if estimate.at[1] <= 1:
        raise FitRefused(_NAME, Why.BOUNDARY, "spend is spread so widely that it has no population mean")
    varies = float(np.ptp(x)) > 0 and float(np.ptp(m)) > 0
    return Spend(estimate, len(x), float(np.corrcoef(x, m)[0, 1]) if varies else None)
