"""Sales channels that bring a larger or smaller share of orders than before."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from services.customers.insights.facts import VenueFacts
from services.customers.insights.findings import Candidate, Evidence
from services.customers.insights.proportions import Comparison, Group, compare
from services.customers.insights.vocabulary import InsightType, Priority

_WEEK: Final = 7
_WEEKS_AFTER: Final = 4
_WEEKS_BEFORE: Final = 12
_MOST_CHANNELS: Final = 20
_LEAST_POINTS: Final = 0.01
_LEAST_CHANGE: Final = 0.1
_GRAVE_FALL: Final = -0.3
_LIFETIME: Final = timedelta(days=28)


def candidates(facts: VenueFacts) -> list[Candidate]:
    """One test a channel, of the 20 with most orders: its share of the last 4 weeks against the 12 before."""
    by_week = _orders_by_week(facts)
    channels: Counter[str] = Counter()
    for week in by_week:
        channels += week
    found = []
    for channel, _ in sorted(channels.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_CHANNELS]:
        groups = [Group(week[channel], week.total()) for week in by_week]
        compared = compare(groups[:_WEEKS_BEFORE], groups[_WEEKS_BEFORE:])
        if compared is not None and len(channels) > 1:
            found.append(_candidate(facts, channel, compared))
    return found


def _orders_by_week(facts: VenueFacts) -> Sequence[Counter[str]]:
    """Orders by channel in each of the last 16 weeks, oldest first; weeks end where the facts do."""
    weeks: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for day in facts.days:
        weeks[((facts.end - day.day).days - 1) // _WEEK][day.channel] += day.order_count
    return [weeks[back] for back in reversed(range(_WEEKS_BEFORE + _WEEKS_AFTER))]


def _candidate(facts: VenueFacts, channel: str, compared: Comparison) -> Candidate:
    after, end = facts.last_days(_WEEKS_AFTER * _WEEK)
    evidence = Evidence(
        measure="order_share_ratio",
        value=compared.after,
        comparison_value=compared.before,
        window=facts.window(after, end),
        comparison_window=facts.window(after - timedelta(days=_WEEKS_BEFORE * _WEEK), after),
        sample_count=compared.after_trials,
        comparison_count=compared.before_trials,
        p_value=compared.p_value,
        test="two_proportions",
    )
    change = evidence.relative_change or 0.0
    fell = compared.after < compared.before
    priority = Priority.LOW if not fell else Priority.HIGH if change <= _GRAVE_FALL else Priority.MEDIUM
    name = channel or "without a name"
    return Candidate(
        type=InsightType.CHANNEL_PERFORMANCE,
        subject=channel,
        priority=priority,
        title=f"Channel {name} brings {'less' if fell else 'more'} of the orders than before",
        description=(
            f"Its share went from {compared.before:.1%} in 12 weeks to {compared.after:.1%} in the last 4; "
            "weeks vary less than that by themselves."
        ),
        suggested_action="review_channel" if fell else "invest_in_channel",
        evidence=evidence,
        expires_at=facts.made_at + _LIFETIME,
        is_material=abs(compared.after - compared.before) >= _LEAST_POINTS and abs(change) >= _LEAST_CHANGE,
    )
