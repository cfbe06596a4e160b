"""The beta-geometric/NBD family: Poisson purchases at gamma rates, a beta chance to be lost after each."""

from dataclasses import dataclass

import numpy as np

from services.customers.lifetime.summaries import Array, Summaries

_NEAR_ONE = 1e-5
_STEP = 1e-4


@dataclass(frozen=True, slots=True)
class BetaGeometric:
    """BG/NBD, or MBG/NBD where a customer may be lost after the first purchase as well.

    Rates of purchase are gamma(r, alpha) and chances of loss beta(a, b) over customers. With b' = b + 1 in
    MBG/NBD and b' = b in BG/NBD both share every formula, but that a BG/NBD customer without a repeat
    cannot be lost.

    Source: P. Fader, B. Hardie and K. L. Lee (2005), "Counting Your Customers" the Easy Way, Marketing
    Science 24, eq. 6 (likelihood) and 10 (expectation); E. Batislam, M. Denizel and A. Filiztekin (2007),
    Empirical validation and comparison of models for customer base analysis, Int. J. Res. Marketing 24.
    """

    name: str
    lost_at_first: bool
    parameters: tuple[str, ...] = ("r", "alpha", "a", "b")
    times: tuple[bool, ...] = (False, True, False, False)

    def log_likelihood(self, at: Array, seen: Summaries) -> Array:
        """Log-likelihood of each row, natural logarithm."""
        from scipy.special import betaln, gammaln

        r, alpha, a, b = at
        x, prior = seen.repeats, b + self.lost_at_first
        alive, lost = self._ends(at, seen)
        purchases = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        chances = betaln(a, prior + x) - betaln(a, b)
        return np.asarray(purchases + chances + np.logaddexp(alive, lost))

    def gradient(self, at: Array, seen: Summaries) -> tuple[Array, Array]:
        """Log-likelihood, and its derivative: one line a parameter, one column a row."""
        from scipy.special import digamma

        r, alpha, a, b = at
        x, prior = seen.repeats, b + self.lost_at_first
        share = self.alive(at, seen)
        lost = 1 - share
        until, last = alpha + seen.age, alpha + seen.recency
        by_r = digamma(r + x) - digamma(r) + np.log(alpha) - share * np.log(until) - lost * np.log(last)
        by_alpha = r / alpha - (r + x) * (share / until + lost / last)
        both = digamma(a + b) - digamma(a + prior + x)
        by_a = both + lost / a
        by_b = (
            digamma(prior + x)
            - digamma(b)
            + both
            - np.divide(lost, prior + x - 1, out=np.zeros(len(seen)), where=lost > 0)
        )
        return self.log_likelihood(at, seen), np.stack((by_r, by_alpha, by_a, by_b))

    def alive(self, at: Array, seen: Summaries) -> Array:
        """P(alive) at the end of observation; 1 for a BG/NBD customer without a repeat, whatever the age."""
        from scipy.special import expit

        alive, lost = self._ends(at, seen)
        return np.asarray(expit(alive - lost))

    def expected(self, at: Array, seen: Summaries, time: float) -> Array:
        """Expected purchases within `time` after the end of observation.

        Euler's transformation of the published hypergeometric function keeps its first two arguments small
        however many purchases there were; at a = 1, where the formula divides 0 by 0, the mean of two near
        values of a is taken (the error is of the order of 1e-8).
        """
        near = np.abs(at[2] - 1) < _NEAR_ONE
        if not np.any(near):
            return self._expected(at, seen, time)
        sides = (np.stack((at[0], at[1], np.where(near, 1 + step, at[2]), at[3])) for step in (-_STEP, _STEP))
        return np.asarray(sum(self._expected(side, seen, time) for side in sides) / 2)

    def _expected(self, at: Array, seen: Summaries, time: float) -> Array:
        from scipy.special import hyp2f1

        r, alpha, a, b = at
        prior = b + self.lost_at_first
        total = a + prior + seen.repeats - 1
        until = alpha + seen.age
        left = hyp2f1(a + prior - 1 - r, a - 1, total, time / (until + time))
        left *= (until / (until + time)) ** (a - 1)
        return np.asarray(total / (a - 1) * (1 - left) * self.alive(at, seen))

    def _ends(self, at: Array, seen: Summaries) -> tuple[Array, Array]:
        """Logarithms of the two ways to be silent since the last purchase, up to what they share."""
        r, alpha, a, b = at
        purchases = r + seen.repeats
        survived = b + self.lost_at_first + seen.repeats - 1
        can_be_lost = (seen.repeats > 0) | self.lost_at_first
        odds = np.log(a) - np.log(np.where(can_be_lost, survived, 1.0))
        lost = np.where(can_be_lost, odds - purchases * np.log(alpha + seen.recency), -np.inf)
        return -purchases * np.log(alpha + seen.age), lost
