"""More customers who fall out of the good segments than before."""

from datetime import timedelta
from typing import Final

from services.customers.insights.facts import VenueFacts
from services.customers.insights.findings import Candidate, Evidence
from services.customers.insights.proportions import Group, compare
from services.customers.insights.vocabulary import InsightType, Priority

GOOD_SEGMENTS: Final = ("champions", "loyal", "potential_loyalist")
_WEEK: Final = 7
_WEEKS_AFTER: Final = 4
_WEEKS_BEFORE: Final = 12
SEGMENT_DAYS: Final = (_WEEKS_BEFORE + _WEEKS_AFTER) * _WEEK
"""How far back moves are looked at."""
_LEAST_CHANGE: Final = 0.1
_GRAVE_RISE: Final = 0.5
_LIFETIME: Final = timedelta(days=28)


def candidates(facts: VenueFacts) -> list[Candidate]:
    """One test: the share of members who fell out in the last 4 weeks against that of the 12 before."""
    after, end = facts.last_days(_WEEKS_AFTER * _WEEK)
    before = after - timedelta(days=_WEEKS_BEFORE * _WEEK)
    if facts.good is None or facts.good.known_since > before:
        return []
    weeks = _by_week(facts)
    compared = compare(weeks[:_WEEKS_BEFORE], weeks[_WEEKS_BEFORE:], "greater")
    if compared is None:
        return []
    evidence = Evidence(
        measure="fallen_member_ratio",
        value=compared.after,
        comparison_value=compared.before,
        window=facts.window(after, end),
        comparison_window=facts.window(before, after),
        sample_count=compared.after_trials,
        comparison_count=compared.before_trials,
        p_value=compared.p_value,
        test="two_proportions",
    )
    change = evidence.relative_change or 0.0
    return [
        Candidate(
            type=InsightType.SEGMENT_MIGRATION,
            subject="good_segments",
            priority=Priority.HIGH if change >= _GRAVE_RISE else Priority.MEDIUM,
            title="More customers than before fall out of the good segments",
            description=(
                f"In a week of the last 4 {compared.after:.2%} of the champions, loyal customers and "
                f"potential loyalists fell into a weaker segment, against {compared.before:.2%} before."
            ),
            suggested_action="win_back_campaign",
            evidence=evidence,
            expires_at=facts.made_at + _LIFETIME,
            is_material=change >= _LEAST_CHANGE,
        )
    ]


def _by_week(facts: VenueFacts) -> list[Group]:
    """Who fell in each of the last 16 weeks, oldest first, among those who fell then or are members now."""
    assert facts.good is not None
    fallen = [0] * (_WEEKS_BEFORE + _WEEKS_AFTER)
    for day, count in facts.good.fallen_by_day.items():
        back = ((facts.end - day).days - 1) // _WEEK
        if 0 <= back < len(fallen):
            fallen[-1 - back] += count
    return [Group(count, facts.good.member_count + count) for count in fallen]
