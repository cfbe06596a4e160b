"""Churn of the customers of one place: the better of a model of purchases and a classifier serves."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np

from services.customers.churn.by_purchases import missed_usual_show, usual_gap
from services.customers.churn.candidates import Candidate, blank_entry, by_outcomes, by_purchases
from services.customers.churn.features import history_of
from services.customers.churn.place_churn import Lent, PlaceChurn
from services.customers.churn.trial import Trial, tried
from services.customers.lifetime.accounts import Place
from services.customers.lifetime.purchase_model import PurchaseModel
from services.customers.lifetime.summaries import Array
from services.customers.lifetime.training import UNIT_DAYS
from services.customers.models.entry import FittedOn


def churned(
    place: Place,
    model: PurchaseModel | None,
    parameters: Array | None,
    *,
    end: int,
    horizon_days: int,
    venue_id: UUID,
    fitted_on: FittedOn,
    whole: PlaceChurn | None = None,
) -> PlaceChurn:
    """Churn of each customer of a place within the horizon after `end`.

    Works for minutes on a long history: call it in the process that fits. The tenant comes first; its result
    is given on for each of its venues. Both candidates are compared on the last horizon; the one with the
    lower Brier score serves, the classifier taught anew with the outcomes of that horizon. Without a
    comparison a venue follows the tenant, and the model of purchases goes before the classifier.

    Args:
        place: The customers' purchases up to `end`.
        model: The model of purchases that serves the place; None: none does.
        parameters: Of the model, as fitted to all of the history.
        end: Last day that is observed (`date.toordinal`).
        horizon_days: How far to look ahead.
        venue_id: The place.
        fitted_on: Whose customers fixed `parameters`.
        whole: What was found of the tenant; None: this is the tenant. Venues with too few outcomes are served
            by the tenant's.
    """
    history = history_of(place.customers, place.days)
    lent = None if whole is None else whole.lent
    blank = blank_entry(place, venue_id, fitted_on, end=end, horizon_days=horizon_days)
    trial = tried(
        history,
        model,
        first=blank.first_day.toordinal(),
        end=end,
        horizon_days=horizon_days,
        lent=lent,
        borrows_model=fitted_on == "tenant",
    )
    candidates = []
    if model is not None and parameters is not None:
        candidates.append(by_purchases(blank, model, parameters, history=history, trial=trial))
    learnt, classifier = by_outcomes(blank, history=history, trial=trial, lent=lent)
    candidates.append(learnt)
    serving = _serving(candidates, trial, whole) if len(history.customers) else None
    found = replace(
        _nothing(place, parameters, learnt),
        entries=tuple(replace(one.entry, is_serving=one is serving) for one in candidates),
        lent=Lent(trial.before, trial.classifier, classifier) if whole is None else None,
    )
    if serving is None:
        return found
    probability, drivers = serving.told(history, end)
    return replace(
        found,
        probability=probability,
        drivers=drivers,
        model=serving.entry.name,
        refusal=None,
        refusal_message=None,
    )


def _serving(candidates: Sequence[Candidate], trial: Trial, whole: PlaceChurn | None) -> Candidate | None:
    """The better one where they were compared; otherwise the tenant's choice, or the first that can serve."""
    able = {one.entry.name: one for one in candidates if one.chance is not None}
    chosen = trial.best
    if chosen is None and whole is not None:
        chosen = whole.model
    return able.get(chosen or "", next(iter(able.values()), None))


def _nothing(place: Place, parameters: Array | None, learnt: Candidate) -> PlaceChurn:
    """What can be said of customers where nothing serves."""
    seen = place.histories.summaries
    unknown, missed = np.full(len(seen), np.nan), np.zeros(len(seen), np.bool_)
    gaps = unknown
    if parameters is not None:
        gaps = usual_gap(parameters, seen) * UNIT_DAYS
        missed = missed_usual_show(parameters, seen)
    return PlaceChurn(
        customers=place.histories.customers,
        probability=unknown,
        drivers=None,
        usual_gap_days=gaps,
        has_missed_usual_show=missed,
        model=None,
        entries=(),
        refusal=learnt.entry.refusal,
        refusal_message=learnt.entry.refusal_message,
    )
