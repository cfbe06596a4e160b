"""One estimator of a yes-or-no outcome from plain columns: trees and a logistic regression, calibrated."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.customers.churn.encoding import Encoding, Table, encoding_of
from services.customers.lifetime.summaries import Array, Codes

_SEED: Final = 20_240_229
_FOLDS: Final = 3
_PENALTY: Final = 0.005
_CHUNK_ROWS: Final = 100_000
_TREES: Final = {
    "max_iter": 100,
    "learning_rate": 0.05,
    "max_leaf_nodes": 4,
    "max_features": 0.3,
    "min_samples_leaf": 100,
    "l2_regularization": 5.0,
    "early_stopping": False,
    "random_state": _SEED,
}


@dataclass(frozen=True, slots=True, eq=False)
class _Blend:
    """Both models of the same rows; their log-odds weigh the same."""

    encoding: Encoding
    trees: Any
    linear: Any

    def log_odds(self, table: Table) -> Array:
        trees = self.trees.decision_function(self.encoding.for_trees(table))
        linear = self.linear.decision_function(self.encoding.for_linear(table))
        return np.asarray((trees + linear) / 2)


@dataclass(frozen=True, slots=True, eq=False)
class Estimator:
    """A fitted estimator."""

    blend: _Blend
    slope: float
    """Of the calibration, on the log-odds."""
    intercept: float
    row_count: int
    """Rows that it learnt from."""

    def probability(self, table: Table) -> Array:
        """Of the outcome 1, row by row."""
        from scipy.special import expit
        from threadpoolctl import threadpool_limits

        count = len(next(iter(table.values())))
        found = np.empty(count)
        with threadpool_limits(1):
            for start in range(0, count, _CHUNK_ROWS):
                rows = slice(start, start + _CHUNK_ROWS)
                found[rows] = self.blend.log_odds({name: column[rows] for name, column in table.items()})
        return np.asarray(expit(self.intercept + self.slope * found))


def estimated(table: Table, outcomes: Codes, groups: Codes | None = None) -> Estimator:
    """The estimator that these rows teach; equal rows teach an equal one.

    Shallow boosted trees and a ridge-penalised logistic regression on logarithms are fitted to all rows and
    blended. Their blend is calibrated by a logistic curve through predictions for rows that the models had
    not seen, so that it is trusted no more than it deserves. Works on one processor: threads that wait for
    each other on a busy machine take many times as long.

    Source: J. Friedman (2001), Greedy function approximation, Annals of Statistics 29 (boosting); J. Platt
    (1999), Probabilistic outputs for support vector machines (the calibration, here out of fold).

    Args:
        table: Columns; rows with both outcomes.
        outcomes: 0 or 1 of each row.
        groups: Rows of a group (a customer) are never on both sides of a fold.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    log_odds = np.empty(len(outcomes))
    with threadpool_limits(1):
        for held_out in _folds(outcomes, groups):
            blend = _blend(_rows(table, ~held_out), outcomes[~held_out])
            log_odds[held_out] = blend.log_odds(_rows(table, held_out))
        blend = _blend(table, outcomes)
        curve = LogisticRegression(C=1e3).fit(log_odds[:, None], outcomes)
    slope, intercept = float(curve.coef_[0, 0]), float(curve.intercept_[0])
    return Estimator(blend, max(slope, 0.0), intercept, len(outcomes))


def _folds(outcomes: Codes, groups: Codes | None) -> list[NDArray[np.bool_]]:
    """Which rows each fold holds out: as many of each outcome, or whole groups."""
    chance = np.random.default_rng(_SEED)
    if groups is None:
        order = np.lexsort((chance.permutation(len(outcomes)), outcomes))
        fold = np.empty(len(outcomes), np.int64)
        fold[order] = np.arange(len(outcomes)) % _FOLDS
    else:
        _, members = np.unique(groups, return_inverse=True)
        fold = (chance.permutation(int(members.max()) + 1) % _FOLDS)[members]
    return [fold == number for number in range(_FOLDS)]


def _blend(table: Table, outcomes: Codes) -> _Blend:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    encoding = encoding_of(table)
    trees = HistGradientBoostingClassifier(categorical_features=encoding.categorical, **_TREES)
    trees.fit(encoding.for_trees(table), outcomes)
    linear = LogisticRegression(C=_PENALTY, solver="newton-cholesky", max_iter=200)
    return _Blend(encoding, trees, linear.fit(encoding.for_linear(table), outcomes))


def _rows(table: Table, rows: NDArray[np.bool_]) -> Table:
    return {name: column[rows] for name, column in table.items()}
