"""Venues that always had sales and have none now."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from services.customers.insights.facts import VenueFacts
from services.customers.insights.findings import Candidate, Evidence
from services.customers.insights.vocabulary import InsightType, Priority

_YEAR: Final = 365
_LEAST_HISTORY: Final = 28
_DORMANT: Final = 60
_LIFETIME: Final = timedelta(days=7)


def silent_days(facts: VenueFacts) -> int:
    """Whole days without a sale at the end of the facts."""
    last = max((day.day for day in facts.days), default=None)
    return 0 if last is None else (facts.end - last).days - 1


def is_dormant(facts: VenueFacts) -> bool:
    """Whether the venue has no sales, or none for 60 days: it has closed and not lost its data."""
    return not facts.days or silent_days(facts) >= _DORMANT


def candidates(facts: VenueFacts) -> list[Candidate]:
    """One test: as many days without a sale as there are now, by the share of such days in the year before.

    Not tested: less than 4 weeks of history, and venues that have been silent for 60 days, which have closed
    and not lost their data. A silence that the year has already seen is a season, not a loss.

    Source: independent days, the chance of an empty one by Laplace's rule of succession, which is above its
    share: (empty + 1) / (days + 2).
    """
    silent = silent_days(facts)
    active = {day.day for day in facts.days}
    if not silent or is_dormant(facts):
        return []
    last = max(active)
    start = max(min(active), last - timedelta(days=_YEAR))
    length = (last - start).days + 1
    if length < _LEAST_HISTORY:
        return []
    on_days = sum(1 for day in active if start <= day)
    chance = (length - on_days + 1) / (length + 2)
    evidence = Evidence(
        measure="silent_days",
        value=silent,
        comparison_value=_longest_silence(active, start),
        window=facts.window(last + timedelta(days=1), facts.end),
        comparison_window=facts.window(start, last + timedelta(days=1)),
        sample_count=silent,
        comparison_count=length,
        p_value=chance**silent if silent > _longest_silence(active, start) else 1.0,
        test="empty_days",
    )
    return [
        Candidate(
            type=InsightType.DATA_FRESHNESS,
            subject="sales",
            priority=Priority.HIGH,
            title=f"No sale has come in for {silent} whole days",
            description=(
                f"{on_days} of the {length} days before had sales, and none of their pauses was as long: "
                "the data may be missing, not the sales."
            ),
            suggested_action="check_data_feed",
            evidence=evidence,
            expires_at=facts.made_at + _LIFETIME,
        )
    ]


def _longest_silence(active: set[date], start: date) -> int:
    days = sorted(day for day in active if day >= start)
    return max(((after - before).days - 1 for before, after in pairwise(days)), default=0)
