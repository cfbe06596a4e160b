"""The comparison of candidates on the last horizon whose outcomes are known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np

from services.customers.churn.cutoffs import has_both, rows_at, some_of, taught, training_cutoffs
from services.customers.churn.drivers import Usual, purchase_chance
from services.customers.churn.estimator import Estimator
from services.customers.churn.features import History, features, stayed_away
from services.customers.churn.measuring import area_under_curve, brier, figures
from services.customers.churn.place_churn import Lent
from services.customers.lifetime.fitting import FitRefused, fitted
from services.customers.lifetime.purchase_model import PurchaseModel
from services.customers.lifetime.summaries import Array, Codes, Summaries
from services.customers.lifetime.training import UNIT_DAYS

HISTORY_CLASSIFIER: Final = "history_classifier"
_SILENCE: Final = "days_since_last_purchase"
_MOST_MEASURED: Final = 200_000


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """How candidates did.

    Attributes:
        before: Parameters of the model of purchases, from the time before; None: it could not be fitted.
        classifier: What outcomes taught that were known before; None: too few.
        teaches: Whether those outcomes were the place's own.
        figures: By name of the candidate; nothing where too few outcomes could be foretold.
    """

    before: Array | None
    classifier: Estimator | None
    teaches: bool
    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def best(self) -> str | None:
        """The candidate with the least Brier score; None: there was no comparison."""
        return min(self.figures, key=lambda name: self.figures[name]["brier"], default=None)


def tried(
    history: History,
    model: PurchaseModel | None,
    *,
    first: int,
    end: int,
    horizon_days: int,
    lent: Lent | None,
    borrows_model: bool,
) -> Trial:
    """Candidates as they were before the last horizon, held against what happened in it.

    Every outcome that teaches was known at the end of the test cut-off, `end` less the horizon; features are
    of that day. Of more than 200,000 customers a sample is measured.

    Args:
        history: The place's purchases.
        model: Of purchases.
        first: First day of the history.
        end: Last day of the history.
        horizon_days: Of the outcomes.
        lent: What a venue with too few outcomes of its own borrows.
        borrows_model: Whether the parameters of the model of purchases are borrowed.
    """
    cutoff = end - horizon_days
    if cutoff < first:
        return Trial(None if lent is None else lent.before, None, teaches=False)
    before = lent.before if lent is not None and borrows_model else _fit(history, model, cutoff)
    classifier = taught(history, first, cutoff, horizon_days)
    has_own = classifier is not None
    if lent is not None and not has_own:
        classifier = lent.tried
    measured = some_of(history, _MOST_MEASURED)
    outcomes = stayed_away(measured, cutoff, horizon_days)
    if not has_both(outcomes):
        return Trial(before, classifier, has_own)
    table = features(measured, cutoff)
    chances: dict[str, Array] = {}
    if model is not None and before is not None:
        told = purchase_chance(model, before, horizon_days, Usual.of(table).gap_days)
        chances[model.name] = told(table)
    if classifier is not None:
        chances[HISTORY_CLASSIFIER] = classifier.probability(table)
    beside = {"recency_auc": area_under_curve(outcomes, table[_SILENCE]), "test_cutoff": _as_number(cutoff)}
    if has_own:
        tested = outcomes, table[_SILENCE]
        beside["recency_brier"] = _recency_brier(history, first, cutoff, horizon_days, tested)
    found = {name: figures(outcomes, one) | beside for name, one in chances.items()}
    return Trial(before, classifier, has_own, found)


def _fit(history: History, model: PurchaseModel | None, cutoff: int) -> Array | None:
    """The model fitted to what was known at the cut-off."""
    if model is None:
        return None
    known = features(history, cutoff)
    seen = Summaries(
        known["repeat_purchase_days"],
        known["days_from_first_to_last_purchase"] / UNIT_DAYS,
        known["days_since_first_purchase"] / UNIT_DAYS,
        np.ones(len(known["repeat_purchase_days"])),
    )
    try:
        return fitted(model, seen).at
    except FitRefused:
        return None


def _recency_brier(
    history: History, first: int, cutoff: int, horizon_days: int, tested: tuple[Codes, Array]
) -> float:
    """Of the share that stayed away by days of silence alone, taught by the classifier's rows.

    Source: monotone least squares, R. Barlow et al. (1972), Statistical Inference under Order Restrictions.
    """
    from sklearn.isotonic import IsotonicRegression

    table, taught_by, _ = rows_at(
        some_of(history), training_cutoffs(first, cutoff, horizon_days), horizon_days
    )
    curve = IsotonicRegression(out_of_bounds="clip").fit(table[_SILENCE], taught_by)
    outcomes, silence = tested
    return brier(outcomes, curve.predict(silence))


def _as_number(day: int) -> float:
    """A date as the number YYYYMMDD."""
    return float(date.fromordinal(day).strftime("%Y%m%d"))
