"""What every model of repeat purchases can say of a customer, whichever way the customer may be lost."""

from typing import Protocol

import numpy as np

from services.customers.lifetime.summaries import Array, Summaries


class PurchaseModel(Protocol):
    """A stochastic model of repeat purchases. Parameters are positive, in the order of `parameters`.

    Each parameter is one number for all rows or, for the likelihood, P(alive) and the expectation, one a row.
    """

    @property
    def name(self) -> str:
        """The model's name, as selections and refusals tell it."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters; the first two are r and alpha in every model."""

    @property
    def times(self) -> tuple[bool, ...]:
        """Whether each parameter is a time, and so follows the unit of time."""

    def log_likelihood(self, at: Array, seen: Summaries) -> Array:
        """Log-likelihood of each row, natural logarithm."""

    def gradient(self, at: Array, seen: Summaries) -> tuple[Array, Array]:
        """Log-likelihood, and its derivative: one line a parameter, one column a row."""

    def alive(self, at: Array, seen: Summaries) -> Array:
        """P(alive) at the end of observation."""

    def expected(self, at: Array, seen: Summaries, time: float) -> Array:
        """Expected purchases within `time` after the end of observation."""


def no_purchase(model: PurchaseModel, at: Array, seen: Summaries, time: float) -> Array:
    """P(no purchase within `time` after the end of observation), 0 to 1.

    The likelihood is the density of purchases at their times and of none until T, so that the probability
    of silence until T + t is the ratio of two likelihoods.

    Source: Bayes' rule on the likelihoods of Fader, Hardie and Lee (2005), eq. 6, Batislam et al. (2007)
    and Fader and Hardie (2005), eq. 15; exact for each of them.
    """
    now, then = model.log_likelihood(at, seen), model.log_likelihood(at, seen.later(time))
    return np.asarray(np.exp(np.minimum(then - now, 0.0)))
