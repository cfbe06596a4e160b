"""A candidate as one training left it."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final, Literal, Self
from uuid import UUID

Kind = Literal["purchases", "spend", "churn"]
FittedOn = Literal["venue", "tenant"]

WHOLE_TENANT: Final = UUID(int=0)
"""In the place of a venue: made from all venues; visible only to callers without a venue grant."""
BEFORE: Final = "before_"
"""Begins the names of figures of the fit that was tried, to the time before the held-out one."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One candidate for one venue, or for the tenant as a whole.

    Attributes:
        venue_id: Whose customers it is for.
        kind: What it foretells.
        name: Of the model.
        currency: ISO 4217 for spend, otherwise empty.
        fitted_on: Whether the venue's customers fixed the parameters or, as they were too few, the tenant's.
        is_serving: Whether answers are made from it.
        refusal: Reason why the data do not fix its parameters; None: they do.
        refusal_message: The same as a sentence.
        parameters: By name, in the model's order; of the serving candidate fitted to all of the history,
            otherwise as they were fitted before the held-out time.
        covariance: Of the logarithms of the parameters; None for models without.
        log_likelihood: At the parameters, natural logarithm; None for models without.
        customer_count: Customers that it was fitted to.
        repeater_count: Those of them who bought again.
        first_day: Of the history.
        last_day: Of the history.
        held_out_days: Days at its end that were held out to compare candidates.
        hold_out: Figures of that comparison, by name.
        usual: What customers who are usual at the place have, by feature: one number or some, None for what
            they do not have. Of models of churn, to tell what moves a probability against them.
    """

    venue_id: UUID
    kind: Kind
    name: str
    fitted_on: FittedOn
    is_serving: bool
    customer_count: int
    repeater_count: int
    first_day: date
    last_day: date
    held_out_days: int = 0
    currency: str = ""
    refusal: str | None = None
    refusal_message: str | None = None
    parameters: dict[str, float] | None = None
    covariance: list[list[float]] | None = None
    log_likelihood: float | None = None
    hold_out: dict[str, float] = field(default_factory=dict)
    usual: dict[str, list[float | None]] = field(default_factory=dict)

    def without_lender(self) -> Self:
        """The candidate without what tells of other venues, where it was fitted to their customers as well.

        What remains of the comparison is how it did on the venue's own held-out time.
        """
        if self.fitted_on == "venue" or self.venue_id == WHOLE_TENANT:
            return self
        own = {name: value for name, value in self.hold_out.items() if not name.startswith(BEFORE)}
        return replace(self, parameters=None, covariance=None, log_likelihood=None, hold_out=own)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """An entry of the registry and when it was made."""

    entry: ModelEntry
    trained_at: datetime
