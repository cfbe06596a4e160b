"""The two ways to foretell churn at one place, as they could serve, and their entries for the registry."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from math import nan
from typing import Final
from uuid import UUID

from services.customers.churn.cutoffs import FEWEST_OUTCOMES, some_of, taught
from services.customers.churn.drivers import (
    PURCHASE_DRIVERS,
    ChanceOf,
    Usual,
    explainer_of,
    joined,
    purchase_chance,
)
from services.customers.churn.estimator import Estimator
from services.customers.churn.features import DRIVERS, History, features
from services.customers.churn.place_churn import Drivers, Lent
from services.customers.churn.trial import HISTORY_CLASSIFIER, Trial
from services.customers.lifetime.accounts import Place
from services.customers.lifetime.purchase_model import PurchaseModel
from services.customers.lifetime.summaries import Array
from services.customers.lifetime.training import NOT_ENOUGH_HISTORY
from services.customers.models.entry import FittedOn, ModelEntry

_CHUNK_CUSTOMERS: Final = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One way to foretell; `chance` None: it was refused, for the reason in its entry."""

    entry: ModelEntry
    chance: ChanceOf | None
    drivers: Mapping[str, tuple[str, ...]]

    def told(self, history: History, end: int) -> tuple[Array, Drivers]:
        """Probability and drivers of each customer of the history, who are at least one.

        Args:
            history: Purchases up to the end.
            end: The day at which customers are looked at.
        """
        assert self.chance is not None
        explainer = explainer_of(self.chance, self.drivers, features(some_of(history), end))
        count = len(history.customers)
        return joined(
            [
                explainer.explained(features(history.of(start, min(start + _CHUNK_CUSTOMERS, count)), end))
                for start in range(0, count, _CHUNK_CUSTOMERS)
            ]
        )


def blank_entry(
    place: Place, venue_id: UUID, fitted_on: FittedOn, *, end: int, horizon_days: int
) -> ModelEntry:
    """What the entries of a place share."""
    seen = place.histories.summaries
    first = int(place.days.min()) if len(place.days) else end
    return ModelEntry(
        venue_id=venue_id,
        kind="churn",
        name="",
        fitted_on=fitted_on,
        is_serving=False,
        customer_count=len(seen),
        repeater_count=int((seen.repeats > 0).sum()),
        first_day=date.fromordinal(first),
        last_day=date.fromordinal(end),
        held_out_days=horizon_days,
    )


def by_purchases(
    blank: ModelEntry, model: PurchaseModel, at: Array, *, history: History, trial: Trial
) -> Candidate:
    """P(no purchase) of a model of purchases with these parameters."""
    population = features(some_of(history), blank.last_day.toordinal())
    usual = Usual.of(population) if len(history.customers) else None
    gap_days = nan if usual is None else usual.gap_days
    entry = replace(
        blank,
        name=model.name,
        parameters=dict(zip(model.parameters, at.tolist(), strict=True)),
        usual={} if usual is None else usual.stored(),
    )
    chance = purchase_chance(model, at, blank.held_out_days, gap_days)
    return Candidate(_compared(entry, trial), chance, PURCHASE_DRIVERS)


def by_outcomes(
    blank: ModelEntry, *, history: History, trial: Trial, lent: Lent | None
) -> tuple[Candidate, Estimator | None]:
    """The classifier taught with the newest outcomes, the tenant's where a venue has too few of its own.

    Without enough outcomes from before the last horizon it is refused, as nothing could be said of its worth.

    Args:
        blank: What the entry begins with.
        history: The place's purchases.
        trial: How the classifier did.
        lent: The tenant's.
    """
    first, end = blank.first_day.toordinal(), blank.last_day.toordinal()
    horizon_days = blank.held_out_days
    classifier = taught(history, first, end, horizon_days) if trial.teaches else None
    is_own = classifier is not None
    if lent is not None and not is_own:
        classifier = lent.classifier
    entry = replace(blank, name=HISTORY_CLASSIFIER, fitted_on="venue" if is_own and lent else "tenant")
    if classifier is None:
        message = (
            f"fewer than {FEWEST_OUTCOMES} customers each who came back and who stayed away are known "
            f"from before the last {horizon_days} days"
        )
        entry = replace(entry, refusal=NOT_ENOUGH_HISTORY, refusal_message=message, held_out_days=0)
        return Candidate(entry, None, DRIVERS), None
    calibration = {
        "calibration_slope": classifier.slope,
        "calibration_intercept": classifier.intercept,
        "row_count": float(classifier.row_count),
    }
    entry = _compared(replace(entry, parameters=calibration), trial)
    return Candidate(entry, classifier.probability, DRIVERS), classifier


def _compared(entry: ModelEntry, trial: Trial) -> ModelEntry:
    figures = dict(trial.figures.get(entry.name, {}))
    return replace(entry, hold_out=figures, held_out_days=entry.held_out_days if figures else 0)
