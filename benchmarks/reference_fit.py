"""BG/NBD fitted the plain way, a row a customer: `python -m benchmarks.reference_fit <file>` prints seconds.

The file holds x, t_x and T in weeks. Both ways write the likelihood down as it is published and let scipy
find its maximum: "simplex" as textbooks do, without derivatives, and "gradient" with them, as libraries do.

Source: P. Fader, B. Hardie and K. L. Lee (2005), "Counting Your Customers" the Easy Way, Marketing Science
24, eq. 6.
"""

import json
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, digamma, gammaln

Array = NDArray[np.float64]

_START = np.log([1.0, 10.0, 1.0, 3.0])


def histories(customers: NDArray[np.int64], days: NDArray[np.int64], end_day: int) -> dict[str, Array]:
    """x, t_x and T of each customer when `end_day` begins; purchases of one day are one."""
    seen = np.unique(customers * end_day + days)
    who, day = seen // end_day, seen % end_day
    first = np.flatnonzero(np.append(True, who[1:] != who[:-1]))
    count = np.diff(np.append(first, len(who)))
    start = day[first]
    return {
        "x": (count - 1).astype(np.float64),
        "t_x": (day[first + count - 1] - start) / 7,
        "age": (end_day - 1 - start) / 7,
    }


def main(path: str) -> None:
    with np.load(path) as columns:
        x, t_x, age = columns["x"], columns["t_x"], columns["age"]
    found: dict[str, Any] = {"customers": len(x)}
    ways: dict[str, dict[str, Any]] = {
        "simplex": {"method": "Nelder-Mead", "options": {"xatol": 1e-4, "fatol": 1e-9, "maxiter": 1000}},
        "gradient": {"method": "BFGS", "jac": True, "tol": 1e-7},
    }
    for name, how in ways.items():

        def objective(logs: Array, *, sloped: bool = "jac" in how) -> Any:
            value, slope = likelihood(np.exp(logs), x, t_x, age, sloped=sloped)
            return (-value, -slope) if sloped else -value

        started = time.perf_counter()
        fit = minimize(objective, _START, **how)
        found[name] = {
            "seconds": time.perf_counter() - started,
            "evaluations": int(fit.nfev),
            "parameters": np.exp(fit.x).tolist(),
            "log_likelihood": -float(fit.fun) * len(x),
        }
    print(json.dumps(found))


def likelihood(at: Array, x: Array, t_x: Array, age: Array, *, sloped: bool) -> tuple[float, Array]:
    """The mean log-likelihood, and its derivative by the logarithms of the parameters where asked for."""
    r, alpha, a, b = at
    repeated = x > 0
    alive = -(r + x) * np.log(alpha + age)
    before = np.where(repeated, b + x - 1, 1.0)
    lost = np.where(repeated, np.log(a) - np.log(before) - (r + x) * np.log(alpha + t_x), -np.inf)
    both = np.logaddexp(alive, lost)
    value = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b) + both
    if not sloped:
        return float(value.mean()), np.zeros(4)
    share, gone = np.exp(alive - both), np.exp(lost - both)
    by_r = digamma(r + x) - digamma(r) + np.log(alpha)
    by_r -= share * np.log(alpha + age) + gone * np.log(alpha + t_x)
    by_alpha = r / alpha - (r + x) * (share / (alpha + age) + gone / (alpha + t_x))
    common = digamma(a + b) - digamma(a + b + x)
    by_a = common + gone / a
    by_b = common + digamma(b + x) - digamma(b) - gone / before
    return float(value.mean()), np.array([part.mean() for part in (by_r, by_alpha, by_a, by_b)]) * at


if __name__ == "__main__":
    main(sys.argv[1])
