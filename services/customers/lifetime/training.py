"""Fits of one place: candidates compared on held-out time, the best refitted, and spend per currency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final
from uuid import UUID

import numpy as np

from services.customers.lifetime import gamma_gamma
from services.customers.lifetime.accounts import Place
from services.customers.lifetime.fitting import Estimate, FitRefused, Why
from services.customers.lifetime.purchase_model import PurchaseModel
from services.customers.lifetime.selection import CANDIDATES, NothingServes, Score, Selection, selected, split
from services.customers.models.entry import BEFORE, FittedOn, ModelEntry

NOT_ENOUGH_HISTORY: Final = "NOT_ENOUGH_HISTORY"
NOT_IDENTIFIABLE: Final = "MODEL_NOT_IDENTIFIABLE"
UNIT_DAYS: Final = 7.0
SPEND_MODEL: Final = "gamma_gamma"
_SHORTEST_DAYS: Final = 56
_LONGEST_HELD_OUT: Final = 365


@dataclass(frozen=True, slots=True, eq=False)
class Serving:
    """A model of purchases with its fit, and where that was made."""

    model: PurchaseModel
    estimate: Estimate
    before: Estimate
    """Its fit to the time before the held-out one."""
    fitted_on: FittedOn


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What serves a place, and every candidate for the registry."""

    venue_id: UUID
    purchases: Serving | None
    spends: Mapping[int, Estimate]
    """By number of the currency."""
    spend_entries: Mapping[str, ModelEntry]
    """By its code, refused ones as well."""
    entries: tuple[ModelEntry, ...]
    refusal: str | None = None
    """Why nothing serves."""
    refusal_message: str | None = None


def held_out_days(first: int, end: int) -> int:
    """Days to hold out of a history: its later half, a year at most."""
    return min((end - first + 1) // 2, _LONGEST_HELD_OUT)


def trained(
    venue_id: UUID,
    place: Place,
    currencies: Sequence[str],
    *,
    end: int,
    whole: Trained | None = None,
    least_repeaters: int = 0,
) -> Trained:
    """Fits for a place: of its own customers, or the tenant's where too few of them bought again.

    Args:
        venue_id: The place.
        place: Its customers.
        currencies: Codes by number.
        end: Last day of the histories.
        whole: The tenant's fits; None: this is the tenant.
        least_repeaters: Customers who bought again (in the currency, for spend) without whom the tenant's
            fit is taken.
    """
    first = int(place.days.min()) if len(place.days) else end
    blank = ModelEntry(
        venue_id=venue_id,
        kind="purchases",
        name="",
        fitted_on="tenant" if whole is None else "venue",
        is_serving=False,
        customer_count=len(place.histories.summaries),
        repeater_count=int((place.histories.summaries.repeats > 0).sum()),
        first_day=date.fromordinal(first),
        last_day=date.fromordinal(end),
        held_out_days=held_out_days(first, end),
    )
    if whole is not None and blank.repeater_count < least_repeaters:
        purchases, entries = whole.purchases, _borrowed(place, blank, whole, end=end)
    else:
        purchases, entries = _purchases(place, blank, end=end)
    lender = None if whole is None else (whole, least_repeaters)
    spends, spend_entries = _spends(place, replace(blank, kind="spend", held_out_days=0), currencies, lender)
    refused = entries[0] if purchases is None else None
    return Trained(
        venue_id,
        purchases,
        spends,
        {entry.currency: entry for entry in spend_entries},
        (*entries, *spend_entries),
        refused.refusal if refused else None,
        refused.refusal_message if refused else None,
    )


def _borrowed(place: Place, blank: ModelEntry, whole: Trained, *, end: int) -> list[ModelEntry]:
    """The tenant's candidates; the one that serves is tried on the venue's own held-out time."""
    entries = []
    for entry in (entry for entry in whole.entries if entry.kind == "purchases"):
        own = replace(
            entry,
            venue_id=blank.venue_id,
            customer_count=blank.customer_count,
            repeater_count=blank.repeater_count,
            first_day=blank.first_day,
            last_day=blank.last_day,
            held_out_days=0,
            hold_out={},
        )
        if entry.is_serving and whole.purchases is not None:
            own = replace(own, **_tried_at(place, whole.purchases, end=end, out=entry.held_out_days))
        entries.append(own)
    return entries


def _tried_at(place: Place, serving: Serving, *, end: int, out: int) -> dict[str, Any]:
    held_out = split(place.customers, place.days, end=end, held_out_days=out, unit_days=UNIT_DAYS)
    if not len(held_out.before):
        return {}
    score = held_out.score(serving.model, serving.before.at)
    return {"hold_out": _figures(score, serving.model, serving.before), "held_out_days": out}


def _purchases(place: Place, blank: ModelEntry, *, end: int) -> tuple[Serving | None, list[ModelEntry]]:
    out = blank.held_out_days
    if out < _SHORTEST_DAYS // 2:
        message = f"purchases of fewer than {_SHORTEST_DAYS} days are known"
        return None, [
            replace(blank, name=model.name, refusal=NOT_ENOUGH_HISTORY, refusal_message=message)
            for model in CANDIDATES
        ]
    serving: Serving | None = None
    found: Selection | NothingServes
    try:
        found = selected(place.customers, place.days, end=end, held_out_days=out, unit_days=UNIT_DAYS)
        serving = Serving(found.model, found.estimate, found.tried[found.model.name], blank.fitted_on)
    except NothingServes as refused:
        found = refused
    return serving, [_entry(model, replace(blank, name=model.name), serving, found) for model in CANDIDATES]


def _entry(
    model: PurchaseModel, entry: ModelEntry, serving: Serving | None, found: Selection | NothingServes
) -> ModelEntry:
    fit = found.tried.get(model.name)
    for score in found.scores:
        if fit is not None and score.model == model.name:
            entry = replace(entry, hold_out=_figures(score, model, fit))
    for refusal in found.refusals:
        if refusal.model == model.name:
            return replace(entry, **_refused(refusal))
    if serving is not None and model is serving.model:
        return replace(entry, is_serving=True, **_fit(model.parameters, serving.estimate))
    assert fit is not None
    return replace(entry, **_fit(model.parameters, fit))


def _spends(
    place: Place, blank: ModelEntry, currencies: Sequence[str], lender: tuple[Trained, int] | None
) -> tuple[dict[int, Estimate], list[ModelEntry]]:
    accounts = place.accounts
    estimates: dict[int, Estimate] = {}
    entries: list[ModelEntry] = []
    for currency in np.unique(accounts.currency).tolist():
        of = accounts.currency == currency
        repeats, spends = accounts.repeats[of], accounts.spends[of]
        counts: dict[str, Any] = {"customer_count": int(of.sum()), "repeater_count": int((repeats > 0).sum())}
        entry = replace(blank, name=SPEND_MODEL, currency=currencies[currency], **counts)
        if lender is not None and entry.repeater_count < lender[1]:
            lent = lender[0].spend_entries[currencies[currency]]
            lent = replace(lent, first_day=blank.first_day, last_day=blank.last_day, hold_out={})
            entries.append(replace(lent, venue_id=blank.venue_id, **counts))
            if currency in lender[0].spends:
                estimates[currency] = lender[0].spends[currency]
            continue
        try:
            fit = gamma_gamma.fitted(repeats, spends)
        except FitRefused as refusal:
            entries.append(replace(entry, **_refused(refusal)))
            continue
        estimates[currency] = fit.estimate
        figures = {} if fit.correlation is None else {"frequency_correlation": fit.correlation}
        fitted = _fit(gamma_gamma.PARAMETERS, fit.estimate)
        entries.append(replace(entry, is_serving=True, hold_out=figures, **fitted))
    return estimates, entries


def _fit(names: Sequence[str], estimate: Estimate) -> dict[str, Any]:
    return {
        "parameters": dict(zip(names, estimate.at.tolist(), strict=True)),
        "covariance": estimate.covariance.tolist(),
        "log_likelihood": estimate.log_likelihood,
    }


def _refused(refusal: FitRefused) -> dict[str, Any]:
    return {
        "refusal": NOT_ENOUGH_HISTORY if refusal.why is Why.TOO_FEW_REPEATERS else NOT_IDENTIFIABLE,
        "refusal_message": str(refusal).partition(": ")[2],
    }


def _figures(score: Score, model: PurchaseModel, before: Estimate) -> dict[str, float]:
    """The comparison's figures, and the parameters before the held-out time under "before_<name>"."""
    own = {
        "mean_absolute_error": score.mean_absolute_error,
        "root_mean_square_error": score.root_mean_square_error,
        "expected_total": score.expected_total,
        "actual_total": score.actual_total,
        f"{BEFORE}log_likelihood": before.log_likelihood,
    }
    return own | {
        f"{BEFORE}{name}": float(value) for name, value in zip(model.parameters, before.at, strict=True)
    }
