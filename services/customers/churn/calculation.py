"""Churn of the customers of one place: the better of a model of purchases and a classifier serves."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np

from services.customers.churn.prediction import PlaceChurn
from services.customers.lifetime.accounts import Place
from services.customers.lifetime.churn import churn_probability, missed_usual_show, usual_gap
from services.customers.lifetime.purchase_model import PurchaseModel
from services.customers.lifetime.summaries import Array
from services.customers.lifetime.training import NOT_ENOUGH_HISTORY, UNIT_DAYS
from services.customers.models.entry import FittedOn, ModelEntry

USUAL_QUANTILE = 0.9


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
    is given on for each of its venues.

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
    seen = place.histories.summaries
    blank = _blank(place, venue_id, fitted_on, end)
    nothing = np.full(len(seen), np.nan)
    if model is None or parameters is None:
        message = "no model of purchases could be fitted"
        refusal: dict[str, Any] = {"refusal": NOT_ENOUGH_HISTORY, "refusal_message": message}
        return PlaceChurn(
            place.histories.customers,
            nothing,
            None,
            nothing,
            np.zeros(len(seen), np.bool_),
            None,
            (),
            **refusal,
        )
    named = dict(zip(model.parameters, parameters.tolist(), strict=True))
    return PlaceChurn(
        place.histories.customers,
        churn_probability(model, parameters, seen, horizon_days / UNIT_DAYS),
        None,
        usual_gap(parameters, seen, USUAL_QUANTILE) * UNIT_DAYS,
        missed_usual_show(parameters, seen, USUAL_QUANTILE),
        model.name,
        (replace(blank, name=model.name, is_serving=True, parameters=named),),
    )


def _blank(place: Place, venue_id: UUID, fitted_on: FittedOn, end: int) -> ModelEntry:
    seen = place.histories.summaries
    return ModelEntry(
        venue_id=venue_id,
        kind="churn",
        name="",
        fitted_on=fitted_on,
        is_serving=False,
        customer_count=len(seen),
        repeater_count=int((seen.repeats > 0).sum()),
        first_day=date.fromordinal(int(place.days.min()) if len(place.days) else end),
        last_day=date.fromordinal(end),
    )
