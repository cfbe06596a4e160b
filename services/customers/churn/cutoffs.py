"""Past days at which customers are looked at as if nothing later were known, and what is learnt there."""

from typing import Final

import numpy as np

from services.customers.churn.estimator import Estimator, estimated
from services.customers.churn.features import History, features, stayed_away
from services.customers.lifetime.summaries import Array, Codes

FEWEST_OUTCOMES: Final = 50
"""Customers who stayed away, and customers who came, without whom nothing is learnt or compared."""

_MOST_CUTOFFS: Final = 8
_MOST_CUSTOMERS: Final = 25_000
_YEAR_DAYS: Final = 365
_LEAST_KNOWN_DAYS: Final = 90
_SEED: Final = 20_240_229


def training_cutoffs(first: int, end: int, horizon_days: int) -> list[int]:
    """Ascending days whose horizon is over by `end`, spread evenly over the last year of them.

    They lie a third of the horizon apart or more, eight at most, and not before a horizon (of 90 days at
    most) of purchases is known. Empty: the history is too short.

    Args:
        first: First day of the history.
        end: Last day that may be looked at, outcomes included.
        horizon_days: Of the outcomes.
    """
    latest = end - horizon_days
    earliest = max(first + min(horizon_days, _LEAST_KNOWN_DAYS), latest - _YEAR_DAYS)
    if latest < earliest:
        return []
    count = min(_MOST_CUTOFFS, (latest - earliest) // max(horizon_days // 3, 1) + 1)
    return sorted({round(day) for day in np.linspace(latest, earliest, count)} if count > 1 else {latest})


def some_of(history: History, most: int = _MOST_CUSTOMERS) -> History:
    """At most so many customers, drawn with a fixed seed."""
    count = len(history.customers)
    if count <= most:
        return history
    return history.among(np.sort(np.random.default_rng(_SEED).choice(count, most, replace=False)))


def rows_at(history: History, cutoffs: list[int], horizon_days: int) -> tuple[dict[str, Array], Codes, Codes]:
    """Features, outcomes and customers of each cut-off, one below the other."""
    tables = [features(history, cutoff) for cutoff in cutoffs]
    outcomes = [stayed_away(history, cutoff, horizon_days) for cutoff in cutoffs]
    customers = [history.until(cutoff).customers for cutoff in cutoffs]
    joined = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    return joined, np.concatenate(outcomes), np.concatenate(customers)


def taught(history: History, first: int, end: int, horizon_days: int) -> Estimator | None:
    """The classifier, from outcomes that were known at the end of the day `end`; None: too few of them.

    Both outcomes are asked of 50 customers at the newest cut-off. Of more than 25,000 customers a sample
    teaches.
    """
    cutoffs = training_cutoffs(first, end, horizon_days)
    sample = some_of(history)
    if not cutoffs or not has_both(stayed_away(sample, cutoffs[-1], horizon_days)):
        return None
    table, outcomes, customers = rows_at(sample, cutoffs, horizon_days)
    return estimated(table, outcomes, customers)


def has_both(outcomes: Codes) -> bool:
    """Whether enough customers stayed away, and enough came."""
    away = int(outcomes.sum())
    return min(away, len(outcomes) - away) >= FEWEST_OUTCOMES
