"""What a generator hands over: one candidate for every test it made."""

from dataclasses import dataclass
from datetime import datetime

from libs.common.buckets import Window
from services.customers.insights.vocabulary import InsightType, Priority


@dataclass(frozen=True, slots=True)
class Evidence:
    """The numbers behind a finding.

    Attributes:
        measure: The figure, a slug with its unit.
        value: Its value in `window`.
        comparison_value: What it is held against, from `comparison_window`.
        window: When the value was measured.
        comparison_window: When the comparison was.
        sample_count: Things behind the value.
        comparison_count: Things behind the comparison.
        p_value: Chance of a deviation at least as large when nothing changed.
        test: How it was tested, a slug.
        currency: Of a measure of money; empty for others.
    """

    measure: str
    value: float
    comparison_value: float
    window: Window
    comparison_window: Window
    sample_count: int
    comparison_count: int
    p_value: float
    test: str
    currency: str = ""

    @property
    def relative_change(self) -> float | None:
        """How far the value is from the comparison, over |comparison|; None where that is 0."""
        if self.comparison_value == 0:
            return None
        return (self.value - self.comparison_value) / abs(self.comparison_value)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What would be said if chance does not explain the evidence.

    `subject` names the thing within its type: with type and venue it identifies the finding, so that it is
    found again and not made twice. `is_material` False: too small to speak of whatever the test says; the
    test still counts among those of the refresh.
    """

    type: InsightType
    subject: str
    priority: Priority
    title: str
    description: str
    suggested_action: str
    evidence: Evidence
    expires_at: datetime
    is_material: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """A candidate that holds among all tests of its refresh."""

    candidate: Candidate
    adjusted_p_value: float
