"""Which model serves: the one that foretold a held-out stretch of time best."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from services.customers.lifetime.bg_nbd import BG_NBD
from services.customers.lifetime.fitting import Estimate, FitRefused, fitted
from services.customers.lifetime.mbg_nbd import MBG_NBD
from services.customers.lifetime.pareto_nbd import PARETO_NBD
from services.customers.lifetime.purchase_model import PurchaseModel
from services.customers.lifetime.summaries import Array, Codes, summarised

CANDIDATES: Final[tuple[PurchaseModel, ...]] = (BG_NBD, MBG_NBD, PARETO_NBD)


@dataclass(frozen=True, slots=True)
class Score:
    """How well a model foretold the purchases of each customer in the held-out time."""

    model: str
    mean_absolute_error: float
    root_mean_square_error: float
    expected_total: float
    actual_total: float


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The model that serves, fitted to the whole time, and why it does."""

    model: PurchaseModel
    estimate: Estimate
    scores: tuple[Score, ...]
    """Best first."""
    refusals: tuple[FitRefused, ...]


def selected(
    customers: Codes,
    days: Codes,
    *,
    end: int,
    held_out_days: int,
    unit_days: float = 7.0,
    candidates: Sequence[PurchaseModel] = CANDIDATES,
) -> Selection:
    """The candidate with the least root mean square error, which a mean minimises; ties by absolute error.

    Every candidate is fitted to the time before the last `held_out_days`, the best again to all of it. One
    that is refused at either fit serves nothing.

    Source: Fader, Hardie and Lee (2005), section 4 (hold-out of conditional expectations per customer).

    Raises:
        FitRefused: No candidate could be fitted; the first one's reason.
    """
    spends = np.zeros(len(days))
    split = end - held_out_days
    before = summarised(customers, days, spends, end=split, unit_days=unit_days)
    actual = purchase_days(customers, days, after=split, end=end, of=before.customers)
    groups, of = before.summaries.grouped()
    scores: dict[str, Score] = {}
    refusals: list[FitRefused] = []
    for model in candidates:
        try:
            at = fitted(model, before.summaries).at
        except FitRefused as refusal:
            refusals.append(refusal)
            continue
        scores[model.name] = _score(model, model.expected(at, groups, held_out_days / unit_days)[of], actual)
    ranked = sorted(scores.values(), key=lambda one: (one.root_mean_square_error, one.mean_absolute_error))
    whole = summarised(customers, days, spends, end=end, unit_days=unit_days).summaries
    named = {model.name: model for model in candidates}
    for score in ranked:
        try:
            estimate = fitted(named[score.model], whole)
        except FitRefused as refusal:
            refusals.append(refusal)
            continue
        return Selection(named[score.model], estimate, tuple(ranked), tuple(refusals))
    raise refusals[0]


def purchase_days(customers: Codes, days: Codes, *, after: int, end: int, of: Codes) -> Array:
    """Days with a purchase in (after, end] of each customer in `of`, which ascends."""
    taken = (days > after) & (days <= end) & np.isin(customers, of)
    distinct = np.unique(np.stack((customers[taken], days[taken])), axis=1)
    return np.bincount(np.searchsorted(of, distinct[0]), minlength=len(of)).astype(np.float64)


def _score(model: PurchaseModel, expected: Array, actual: Array) -> Score:
    errors = expected - actual
    mean, square = float(np.abs(errors).mean()), float(np.sqrt((errors**2).mean()))
    return Score(model.name, mean, square, float(expected.sum()), float(actual.sum()))
