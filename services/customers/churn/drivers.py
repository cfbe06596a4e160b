"""What drives each single probability: how it would change with the feature of other customers.

The effect of a driver is the customer's probability less its mean over four customers who stand for the
quarters of all by that feature, each lending the driver's features while all others stay. It is the marginal
(not conditional) effect: features that go together are gathered into one driver, so that neither is held
fixed while the other moves. Effects do not add up to the probability.

Source: E. Strumbelj and I. Kononenko (2014), Explaining prediction models, Knowledge and Information Systems
41 (effect of one feature against its marginal distribution), which is summed up by four quantiles here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from services.customers.churn.by_purchases import churn_probability
from services.customers.churn.features import Columns
from services.customers.churn.place_churn import MOST_DRIVERS, Drivers
from services.customers.lifetime.purchase_model import PurchaseModel
from services.customers.lifetime.summaries import Array, Summaries
from services.customers.lifetime.training import UNIT_DAYS

_QUARTERS: Final = (0.125, 0.375, 0.625, 0.875)
_LEAST_EFFECT: Final = 0.005
_GAP: Final = "usual_gap_days"

PURCHASE_DRIVERS: Final[Mapping[str, tuple[str, ...]]] = {
    name: (name,) for name in ("days_since_last_purchase", "repeat_purchase_days", "mean_gap_days")
}
"""All that a model of purchases looks at."""

ChanceOf = Callable[[Columns], Array]
"""Probability of churn of each row of features."""


@dataclass(frozen=True, slots=True, eq=False)
class Explainer:
    """Finds drivers of what `chance` says of rows.

    Attributes:
        chance: What is explained.
        drivers: Features of each driver; it is called after the first.
        references: Of each driver, the features of the four customers.
    """

    chance: ChanceOf
    drivers: Mapping[str, tuple[str, ...]]
    references: Mapping[str, Mapping[str, Array]]

    def explained(self, table: Columns) -> tuple[Array, Drivers]:
        """The probability of each row, and what drives it."""
        probability = self.chance(table)
        effects = np.column_stack([probability - self._without(table, name) for name in self.drivers])
        strongest = np.argsort(-np.abs(effects), axis=1, kind="stable")[:, :MOST_DRIVERS]
        chosen = np.take_along_axis(effects, strongest, axis=1)
        values = np.column_stack([table[name] for name in self.drivers])
        told = np.abs(chosen) >= _LEAST_EFFECT
        return probability, Drivers(
            tuple(self.drivers),
            np.where(told, strongest, -1).astype(np.int8),
            np.where(told, np.take_along_axis(values, strongest, axis=1), np.nan).astype(np.float32),
            np.where(told, chosen, 0).astype(np.float32),
        )

    def _without(self, table: Columns, driver: str) -> Array:
        count = len(table[driver])
        chances = []
        for number in range(len(_QUARTERS)):
            lent = {name: np.full(count, column[number]) for name, column in self.references[driver].items()}
            chances.append(self.chance({**table, **lent}))
        return np.asarray(np.mean(chances, axis=0))


def explainer_of(chance: ChanceOf, drivers: Mapping[str, tuple[str, ...]], population: Columns) -> Explainer:
    """An explainer against these customers, of whom there is at least one."""
    references = {}
    for driver, names in drivers.items():
        rows = _quarters(population[driver])
        references[driver] = {name: population[name][rows] for name in names}
    return Explainer(chance, drivers, references)


@dataclass(frozen=True, slots=True, eq=False)
class Usual:
    """Of a place's customers, all that drivers of a model of purchases are told against.

    Attributes:
        quarters: By feature, that of the four customers.
        gap_days: Median mean gap of those who have one; NaN: nobody has.
    """

    quarters: Columns
    gap_days: float

    @classmethod
    def of(cls, population: Columns) -> Self:
        """Those of customers, of whom there is at least one."""
        gaps = population["mean_gap_days"]
        quarters = {name: population[name][_quarters(population[name])] for name in PURCHASE_DRIVERS}
        return cls(quarters, float(np.median(gaps[~np.isnan(gaps)])) if not np.isnan(gaps).all() else np.nan)

    @classmethod
    def read(cls, stored: Mapping[str, Sequence[float | None]]) -> Self:
        """What `stored` made."""
        read = {name: np.array(some, np.float64) for name, some in stored.items()}
        (gap_days,) = read.pop(_GAP)
        return cls(read, float(gap_days))

    def stored(self) -> dict[str, list[float | None]]:
        """As lists by name, with None for NaN."""
        columns = {**self.quarters, _GAP: np.array([self.gap_days])}
        return {
            name: [None if np.isnan(one) else float(one) for one in column]
            for name, column in columns.items()
        }


def purchase_explainer(model: PurchaseModel, at: Array, horizon_days: int, usual: Usual) -> Explainer:
    """Explains what a model of purchases says against usual customers."""
    references = {name: {name: column} for name, column in usual.quarters.items()}
    chance = purchase_chance(model, at, horizon_days, usual.gap_days)
    return Explainer(chance, PURCHASE_DRIVERS, references)


def purchase_chance(model: PurchaseModel, at: Array, horizon_days: int, usual_gap_days: float) -> ChanceOf:
    """P(no purchase) by days since the last one, repeats, and mean gap.

    Customers without a gap who are lent repeats get the usual gap, or the horizon where there is none.
    """
    lent = horizon_days if np.isnan(usual_gap_days) else usual_gap_days

    def chance(table: Columns) -> Array:
        repeats, gap = table["repeat_purchase_days"], table["mean_gap_days"]
        recency = repeats * np.where(np.isnan(gap), lent, gap) / UNIT_DAYS
        age = recency + table["days_since_last_purchase"] / UNIT_DAYS
        seen = Summaries(repeats, recency, age, np.ones(len(repeats)))
        return churn_probability(model, at, seen, horizon_days / UNIT_DAYS)

    return chance


def _quarters(column: Array) -> NDArray[np.int64]:
    """Rows of the customers who stand for the quarters of all by a feature."""
    order = np.argsort(column, kind="stable")
    return np.asarray(order[(np.array(_QUARTERS) * len(order)).astype(np.int64)])


def joined(parts: list[tuple[Array, Drivers]]) -> tuple[Array, Drivers]:
    """Chunks of customers as one; there is at least one."""
    first = parts[0][1]
    return np.concatenate([part for part, _ in parts]), Drivers(
        first.names,
        np.concatenate([one.features for _, one in parts]),
        np.concatenate([one.values for _, one in parts]),
        np.concatenate([one.effects for _, one in parts]),
    )
