"""What a stored model of purchases says of some customers now: the probability that they stay silent."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isnan
from uuid import UUID

import numpy as np

from services.customers.churn.by_purchases import churn_probability, missed_usual_show, usual_gap
from services.customers.churn.drivers import Usual, purchase_explainer
from services.customers.churn.features import features, history_of
from services.customers.churn.reading_store import Driver
from services.customers.lifetime.purchase_model import PurchaseModel
from services.customers.lifetime.selection import stored_model
from services.customers.lifetime.summaries import Array, Summaries
from services.customers.lifetime.training import UNIT_DAYS
from services.customers.models.entry import ModelEntry


@dataclass(frozen=True, slots=True)
class Silence:
    """What to expect of a customer; the last two are None for one who bought on a single day."""

    probability: float
    usual_gap_days: float | None
    has_missed_usual_show: bool | None


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked.

    Attributes:
        entry: The serving model of purchases of the place.
        end: Last day that is observed (`date.toordinal`).
        horizon_days: Days ahead.
    """

    entry: ModelEntry
    end: int
    horizon_days: int

    @property
    def model(self) -> tuple[PurchaseModel, Array]:
        """The model and its parameters."""
        assert self.entry.parameters is not None
        return stored_model(self.entry.name, self.entry.parameters)


def silences(days: Mapping[UUID, Collection[int]], terms: Terms) -> dict[UUID, Silence]:
    """P(no purchase within the horizon) of each customer who bought up to the end.

    Args:
        days: Local days (`date.toordinal`) with a purchase that stands, of each customer.
        terms: What is asked.
    """
    end = terms.end
    known = {who: sorted({day for day in own if day <= end}) for who, own in days.items()}
    known = {who: own for who, own in known.items() if own}
    if not known:
        return {}
    seen = Summaries(
        np.array([len(own) - 1 for own in known.values()], np.float64),
        np.array([own[-1] - own[0] for own in known.values()], np.float64) / UNIT_DAYS,
        np.array([end - own[0] for own in known.values()], np.float64) / UNIT_DAYS,
        np.ones(len(known)),
    )
    model, at = terms.model
    chances = churn_probability(model, at, seen, terms.horizon_days / UNIT_DAYS)
    gaps = usual_gap(at, seen) * UNIT_DAYS
    missed = missed_usual_show(at, seen)
    return {
        who: Silence(
            float(chances[place]),
            None if np.isnan(gaps[place]) else float(gaps[place]),
            None if np.isnan(gaps[place]) else bool(missed[place]),
        )
        for place, who in enumerate(known)
    }


def drivers_of(days: Collection[int], terms: Terms, usual: Usual) -> tuple[Driver, ...]:
    """What moves the probability of one customer who bought up to the end, the strongest first.

    Args:
        days: As for `silences`, of one customer.
        terms: What is asked.
        usual: Usual customers of the place.
    """
    explainer = purchase_explainer(*terms.model, terms.horizon_days, usual)
    own = np.array(sorted(days), np.int64)
    _, found = explainer.explained(features(history_of(np.zeros_like(own), own), terms.end))
    lines = zip(found.features[0].tolist(), found.values[0].tolist(), found.effects[0].tolist(), strict=True)
    return tuple(
        Driver(found.names[number], None if isnan(value) else value, effect)
        for number, value, effect in lines
        if number >= 0
    )
