"""Pareto/NBD: Poisson purchases at gamma rates, until a customer is lost at any time."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from services.customers.lifetime.summaries import Array, Summaries

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_NEGLIGIBLE = 50.0
_FURTHEST = 100.0


class _Lost(NamedTuple):
    """The integral over the time of loss, and the means under it of the logarithms and inverses in it."""

    log: Array
    log_alpha: Array
    log_beta: Array
    by_alpha: Array
    by_beta: Array


@dataclass(frozen=True, slots=True)
class ParetoNbd:
    """Rates of purchase are gamma(r, alpha), rates of loss gamma(s, beta) over customers.

    Source: D. Schmittlein, D. Morrison and R. Colombo (1987), Counting your customers, Management Science
    33; P. Fader and B. Hardie (2005), A note on deriving the Pareto/NBD model, eq. 15 (likelihood), 41
    (expectation). Where they write two hypergeometric functions we integrate over the time of loss by
    Gauss and Legendre in log(min(alpha, beta) + u), which is as exact, never overflows, and has a gradient.
    """

    name: str = "pareto_nbd"
    parameters: tuple[str, ...] = ("r", "alpha", "s", "beta")
    times: tuple[bool, ...] = (False, True, False, True)

    def log_likelihood(self, at: Array, seen: Summaries) -> Array:
        """Log-likelihood of each row, natural logarithm."""
        return _likelihood(at, seen, _lost(at, seen))

    def gradient(self, at: Array, seen: Summaries) -> tuple[Array, Array]:
        """Log-likelihood, and its derivative: one line a parameter, one column a row."""
        from scipy.special import digamma, expit

        r, alpha, s, beta = at
        x, lost = seen.repeats, _lost(at, seen)
        share = expit(_alive(at, seen) - lost.log)
        gone = 1 - share
        until_alpha, until_beta = alpha + seen.age, beta + seen.age
        by_r = digamma(r + x) - digamma(r) + np.log(alpha)
        by_r -= share * np.log(until_alpha) + gone * lost.log_alpha
        by_alpha = r / alpha - (r + x) * (share / until_alpha + gone * lost.by_alpha)
        by_s = np.log(beta) - share * np.log(until_beta) + gone * (1 / s - lost.log_beta)
        by_beta = s / beta - share * s / until_beta - gone * (s + 1) * lost.by_beta
        return _likelihood(at, seen, lost), np.stack((by_r, by_alpha, by_s, by_beta))

    def alive(self, at: Array, seen: Summaries) -> Array:
        """P(alive) at the end of observation."""
        from scipy.special import expit

        return np.asarray(expit(_alive(at, seen) - _lost(at, seen).log))

    def expected(self, at: Array, seen: Summaries, time: float) -> Array:
        """Expected purchases within `time` after the end of observation; at s = 1 by its limit."""
        from scipy.special import exprel

        r, alpha, s, beta = at
        until = beta + seen.age
        longer = np.log1p(time / until)
        lived = until * longer * exprel(-(s - 1) * longer)
        return np.asarray((r + seen.repeats) / (alpha + seen.age) * lived * self.alive(at, seen))


def _likelihood(at: Array, seen: Summaries, lost: _Lost) -> Array:
    from scipy.special import gammaln

    r, alpha, s, beta = at
    purchases = gammaln(r + seen.repeats) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    return np.asarray(purchases + np.logaddexp(_alive(at, seen), lost.log))


def _alive(at: Array, seen: Summaries) -> Array:
    r, alpha, s, beta = at
    return np.asarray(-(r + seen.repeats) * np.log(alpha + seen.age) - s * np.log(beta + seen.age))


def _lost(at: Array, seen: Summaries) -> _Lost:
    """Of s (alpha + u)^-(r + x) (beta + u)^-(s + 1) over the time of loss u from t_x to T."""
    r, alpha, s, beta = at
    k, least = r + seen.repeats, np.minimum(alpha, beta)
    ends = np.minimum(
        seen.age, (alpha + seen.recency) * np.exp(np.minimum(_NEGLIGIBLE / k, _FURTHEST)) - alpha
    )
    start = np.log(least + seen.recency)
    half = (np.log(least + ends) - start) / 2
    top = -k * np.log(alpha + seen.recency) - (s + 1) * np.log(beta + seen.recency)
    sums = np.zeros((5, len(seen)))
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        shifted = np.exp(start + half * (1 + node))
        to_alpha, to_beta = shifted + (alpha - least), shifted + (beta - least)
        log_alpha, log_beta = np.log(to_alpha), np.log(to_beta)
        height = weight * half * shifted * np.exp(-k * log_alpha - (s + 1) * log_beta - top)
        for place, what in enumerate((1.0, log_alpha, log_beta, 1 / to_alpha, 1 / to_beta)):
            sums[place] += height * what
    some = sums[0] > 0
    log = np.log(sums[0], out=np.full(len(seen), -np.inf), where=some) + top + np.log(s)
    means = np.divide(sums[1:], sums[0], out=np.zeros_like(sums[1:]), where=some)
    return _Lost(log, *means)


PARETO_NBD: Final = ParetoNbd()
