"""Maximum likelihood in the logarithms of positive parameters, refused where the data do not fix them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

import numpy as np

from services.customers.lifetime.purchase_model import PurchaseModel
from services.customers.lifetime.summaries import Array, Summaries

_FEWEST: Final = 30
_STARTS: Final = ((0.5, 0.5, 0.8, 2.0), (1.0, 1.0, 1.0, 1.0), (0.3, 0.2, 0.5, 4.0), (2.0, 1.0, 0.3, 1.0))
_BOUND: Final = float(np.log(1e5))
_UNCERTAIN: Final = 2.0
_SAMPLE: Final = 4000
_STEP: Final = 1e-4
_STEEPEST: Final = 1e-4
_LEVEL: Final = 1e-7
_MOST_STEPS: Final = 8

Objective = Callable[[Array], tuple[float, Array]]


class Why(StrEnum):
    """Why a fit is refused."""

    TOO_FEW_REPEATERS = "too_few_repeaters"
    BOUNDARY = "boundary"
    NOT_IDENTIFIABLE = "not_identifiable"
    NOT_CONVERGED = "not_converged"


class FitRefused(Exception):
    """The data do not fix the parameters of a model.

    Args:
        model: Name of the model.
        why: The kind of refusal.
        message: One sentence that says it.
    """

    def __init__(self, model: str, why: Why, message: str) -> None:
        super().__init__(f"{model}: {message}")
        self.model = model
        self.why = why


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """Parameters at the maximum of the likelihood, and how sure they are."""

    at: Array
    covariance: Array
    """Of the logarithms of the parameters, from the observed information."""
    log_likelihood: float

    def draws(self, count: int, seed: int) -> Array:
        """Parameters as they might have been estimated, one line each; equal for an equal seed.

        Source: large-sample distribution of maximum likelihood estimates, normal in the logarithms.
        """
        chance = np.random.default_rng(seed)
        spread = np.linalg.cholesky(self.covariance)
        return np.asarray(self.at * np.exp(chance.standard_normal((count, len(self.at))) @ spread.T))


def fitted(model: PurchaseModel, seen: Summaries) -> Estimate:
    """The model's parameters for these customers, in their unit of time. Row order never matters.

    Where there are many different histories the best start is found on an even sample of them.

    Raises:
        FitRefused: Fewer than 30 customers bought again, or the likelihood has no clear maximum inside.
    """
    groups, _ = seen.grouped()
    if groups.weights[groups.repeats > 0].sum() < _FEWEST:
        raise FitRefused(model.name, Why.TOO_FEW_REPEATERS, f"fewer than {_FEWEST} customers bought again")
    few = groups.thinned(_SAMPLE)
    unit = float(np.average(groups.age, weights=groups.weights))
    scale = np.where(model.times, unit, 1.0)

    def likelihood(groups: Summaries, logs: Array) -> tuple[float, Array]:
        at = np.exp(logs) * scale
        value, slope = model.gradient(at, groups)
        return -float(groups.weights @ value), -(slope @ groups.weights) * at

    starts, count = [np.log(start) for start in _STARTS], float(groups.weights.sum())
    if len(few) < len(groups):
        sample, sampled = partial(likelihood, few), float(few.weights.sum())
        near, _ = _best(sample, starts, sampled)
        curvature = _information(sample, near) / sampled
        starts = [_nearer(partial(likelihood, groups), near, curvature, count)]
    return maximised(model.name, partial(likelihood, groups), starts, scale, count)


def maximised(
    name: str, objective: Objective, starts: Sequence[Array], scale: Array, count: float
) -> Estimate:
    """The best of local maxima from several starts.

    Args:
        name: Of the model, for refusals.
        objective: Negative log-likelihood and its gradient by the logarithms of scaled parameters.
        starts: Logarithms to start from.
        scale: What the parameters are multiplied with in the end.
        count: Customers; the objective is divided by it on the way.

    Raises:
        FitRefused: The maximum lies at the boundary, is flat, or was not reached.
    """
    logs, _ = _best(objective, starts, count)
    if np.abs(logs).max() > 0.98 * _BOUND:
        raise FitRefused(name, Why.BOUNDARY, "the likelihood rises up to the boundary of a parameter")
    value, slope = objective(logs)
    if not np.isfinite(value) or np.abs(slope).max() / count > _STEEPEST:
        raise FitRefused(name, Why.NOT_CONVERGED, "no maximum of the likelihood was reached")
    return Estimate(np.exp(logs) * scale, _covariance(name, objective, logs), -value)


def _best(objective: Objective, starts: Sequence[Array], count: float) -> tuple[Array, float]:
    from scipy.optimize import minimize

    def mean(logs: Array) -> tuple[float, Array]:
        value, slope = objective(logs)
        return value / count, slope / count

    limits = [(-_BOUND, _BOUND)] * len(starts[0])
    options = {"ftol": 1e-14, "gtol": _LEVEL, "maxiter": 500, "maxcor": 20}
    found = [
        minimize(mean, one, jac=True, method="L-BFGS-B", bounds=limits, options=options) for one in starts
    ]
    best = min(found, key=lambda one: float(one.fun))
    return np.asarray(best.x), float(best.fun)


def _nearer(objective: Objective, logs: Array, curvature: Array, count: float) -> Array:
    """Where steps by a curvature that is known roughly lead, as long as they lead down.

    Most of a search with many histories would be spent on finding the curvature anew, which a sample tells
    well enough. What is reached is a start: the search goes on from there.

    Source: J. Nocedal and S. Wright (2006), Numerical Optimization, section 3.3 (quasi-Newton steps).
    """
    if float(np.linalg.eigvalsh(curvature)[0]) <= 0:
        return logs
    value, slope = objective(logs)
    for _ in range(_MOST_STEPS):
        following = logs - np.linalg.solve(curvature, slope / count)
        if np.abs(following).max() > _BOUND:
            break
        lower, its_slope = objective(following)
        if not lower < value:
            break
        logs, value, slope = following, lower, its_slope
        if np.abs(slope).max() / count < _LEVEL:
            break
    return logs


def _information(objective: Objective, logs: Array) -> Array:
    """Second derivatives, from central differences of the gradient."""
    steps = np.eye(len(logs)) * _STEP
    rows = [(objective(logs + step)[1] - objective(logs - step)[1]) / (2 * _STEP) for step in steps]
    return (np.array(rows) + np.array(rows).T) / 2


def _covariance(name: str, objective: Objective, logs: Array) -> Array:
    """Inverse of the observed information."""
    information = _information(objective, logs)
    least = float(np.linalg.eigvalsh(information)[0])
    if least <= 0 or 1 / least > len(logs) * _UNCERTAIN**2:
        raise FitRefused(
            name, Why.NOT_IDENTIFIABLE, "the likelihood is flat: very different parameters fit as well"
        )
    return np.asarray(np.linalg.inv(information))
