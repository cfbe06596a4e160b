"""What a stored model of purchases says of some customers now: the probability that they stay silent."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from services.customers.churn.by_purchases import churn_probability, missed_usual_show, usual_gap
from services.customers.lifetime.selection import stored_model
from services.customers.lifetime.summaries import Summaries
from services.customers.lifetime.training import UNIT_DAYS
from services.customers.models.entry import ModelEntry


@dataclass(frozen=True, slots=True)
class Silence:
    """What to expect of a customer; the last two are None for one who bought on a single day."""

    probability: float
    usual_gap_days: float | None
    has_missed_usual_show: bool | None


def silences(
    days: Mapping[UUID, Collection[int]], *, end: int, entry: ModelEntry, horizon_days: int
) -> dict[UUID, Silence]:
    """P(no purchase within the horizon) of each customer who bought up to the end.

    Args:
        days: Local days (`date.toordinal`) with a purchase that stands, of each customer.
        end: Last day that is observed.
        entry: The serving model of purchases of the place.
        horizon_days: Days ahead.
    """
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
    assert entry.parameters is not None
    model, at = stored_model(entry.name, entry.parameters)
    chances = churn_probability(model, at, seen, horizon_days / UNIT_DAYS)
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
