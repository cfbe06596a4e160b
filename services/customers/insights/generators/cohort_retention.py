"""New customers who come back within the next month more or less often than earlier ones did."""

from datetime import timedelta
from typing import Final

from services.customers.insights.facts import VenueFacts
from services.customers.insights.findings import Candidate, Evidence
from services.customers.insights.proportions import Group, compare
from services.customers.insights.vocabulary import InsightType, Priority

_AGE: Final = 1
_COHORTS_BEFORE: Final = 6
_LEAST_CHANGE: Final = 0.1
_GRAVE_FALL: Final = -0.25
_LIFETIME: Final = timedelta(days=31)


def candidates(facts: VenueFacts) -> list[Candidate]:
    """One test: the latest cohort whose second month is over against the 6 before it."""
    seen = [
        cohort
        for cohort in facts.cohorts
        if cohort.size and len(cohort.cells) > _AGE and not cohort.cells[_AGE].is_running
    ]
    if not seen:
        return []
    *earlier, latest = seen[-_COHORTS_BEFORE - 1 :]
    compared = compare(
        [Group(cohort.cells[_AGE].customer_count, cohort.size) for cohort in earlier],
        [Group(latest.cells[_AGE].customer_count, latest.size)],
    )
    if compared is None:
        return []
    first = latest.start.astimezone(facts.clock).date()
    following = (first + timedelta(days=31)).replace(day=1)
    over = (following + timedelta(days=31)).replace(day=1)
    evidence = Evidence(
        measure="retention_ratio",
        value=compared.after,
        comparison_value=compared.before,
        window=facts.window(first, over),
        comparison_window=facts.window(earlier[0].start.astimezone(facts.clock).date(), following),
        sample_count=compared.after_trials,
        comparison_count=compared.before_trials,
        p_value=compared.p_value,
        test="two_proportions",
    )
    change = evidence.relative_change or 0.0
    fell = compared.after < compared.before
    priority = Priority.LOW if not fell else Priority.HIGH if change <= _GRAVE_FALL else Priority.MEDIUM
    return [
        Candidate(
            type=InsightType.COHORT_RETENTION_CHANGE,
            subject=first.isoformat(),
            priority=priority,
            title=f"New customers of {first:%Y-%m} came back {'less' if fell else 'more'} often",
            description=(
                f"{compared.after:.1%} of them bought again in the month after, against "
                f"{compared.before:.1%} of the {len(earlier)} cohorts before."
            ),
            suggested_action="welcome_campaign" if fell else "learn_from_cohort",
            evidence=evidence,
            expires_at=facts.made_at + _LIFETIME,
            is_material=abs(change) >= _LEAST_CHANGE,
        )
    ]
