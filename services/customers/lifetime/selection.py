"""Which model serves: the one that foretold a held-out stretch of time best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from services.customers.lifetime.bg_nbd import BG_NBD
from services.customers.lifetime.fitting import Estimate, FitRefused, fitted
from services.customers.lifetime.mbg_nbd import MBG_NBD
from services.customers.lifetime.pareto_nbd import PARETO_NBD
from services.customers.lifetime.purchase_model import PurchaseModel
from services.customers.lifetime.summaries import Array, Codes, Summaries, summarised

CANDIDATES: Final[tuple[PurchaseModel, ...]] = (BG_NBD, MBG_NBD, PARETO_NBD)


def stored_model(name: str, parameters: Mapping[str, float]) -> tuple[PurchaseModel, Array]:
    """A candidate and its parameters in the candidate's order, from what the registry keeps."""
    model = next(candidate for candidate in CANDIDATES if candidate.name == name)
    return model, np.array([parameters[name] for name in model.parameters])


@dataclass(frozen=True, slots=True)
class Score:
    """How well a model foretold the purchases of each customer in the held-out time."""

    model: str
    mean_absolute_error: float
    root_mean_square_error: float
    expected_total: float
    actual_total: float


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """What was known before the held-out time, and the purchase days of each of those customers in it."""

    before: Summaries
    actual: Array
    held_out: float

    def score(self, model: PurchaseModel, at: Array) -> Score:
        """How well a model with these parameters foretold it."""
        groups, of = self.before.grouped()
        expected = model.expected(at, groups, self.held_out)[of]
        errors = expected - self.actual
        mean, square = float(np.abs(errors).mean()), float(np.sqrt((errors**2).mean()))
        return Score(model.name, mean, square, float(expected.sum()), float(self.actual.sum()))


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The model that serves, fitted to the whole time, and why it does."""

    model: PurchaseModel
    estimate: Estimate
    scores: tuple[Score, ...]
    """Best first."""
    refusals: tuple[FitRefused, ...]
    tried: Mapping[str, Estimate]
    """By model, the fit to the time before the held-out one."""


class NothingServes(FitRefused):
    """Every candidate was refused; what was found on the way.

    Args:
        first: The refusal that stands for all.
        refusals: All of them.
        scores: Of candidates that were refused only when fitted to the whole time.
        tried: Their fits before.
    """

    def __init__(
        self,
        first: FitRefused,
        refusals: Sequence[FitRefused],
        scores: Sequence[Score],
        tried: Mapping[str, Estimate],
    ) -> None:
        super().__init__(first.model, first.why, str(first).partition(": ")[2])
        self.refusals = tuple(refusals)
        self.scores = tuple(scores)
        self.tried = tried


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
        NothingServes: No candidate could be fitted; the first one's reason.
    """
    held_out = split(customers, days, end=end, held_out_days=held_out_days, unit_days=unit_days)
    tried: dict[str, Estimate] = {}
    refusals: list[FitRefused] = []
    for model in candidates:
        try:
            tried[model.name] = fitted(model, held_out.before)
        except FitRefused as refusal:
            refusals.append(refusal)
    named = {model.name: model for model in candidates}
    ranked = sorted(
        (held_out.score(named[name], estimate.at) for name, estimate in tried.items()),
        key=lambda one: (one.root_mean_square_error, one.mean_absolute_error),
    )
    whole = summarised(customers, days, np.zeros(len(days)), end=end, unit_days=unit_days).summaries
    for score in ranked:
        try:
            estimate = fitted(named[score.model], whole)
        except FitRefused as refusal:
            refusals.append(refusal)
            continue
        return Selection(named[score.model], estimate, tuple(ranked), tuple(refusals), tried)
    raise NothingServes(refusals[0], refusals, ranked, tried)


def split(customers: Codes, days: Codes, *, end: int, held_out_days: int, unit_days: float = 7.0) -> Split:
    """Histories up to `held_out_days` before the day `end`, and what came after."""
    at = end - held_out_days
    before = summarised(customers, days, np.zeros(len(days)), end=at, unit_days=unit_days)
    actual = purchase_days(customers, days, after=at, end=end, of=before.customers)
    return Split(before.summaries, actual, held_out_days / unit_days)


def purchase_days(customers: Codes, days: Codes, *, after: int, end: int, of: Codes) -> Array:
    """Days with a purchase in (after, end] of each customer in `of`, which ascends."""
    if not len(of):
        return np.empty(0)
    taken = (days > after) & (days <= end)
    customers, days = customers[taken], days[taken]
    places = np.minimum(np.searchsorted(of, customers), len(of) - 1)
    known = of[places] == customers
    distinct = np.unique(places[known] * (end - after + 1) + (days[known] - after))
    return np.bincount(distinct // (end - after + 1), minlength=len(of)).astype(np.float64)
