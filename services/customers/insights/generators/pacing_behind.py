"""Coming shows that sell slower than comparable past ones did as long before their doors."""

from collections.abc import Sequence
from datetime import timedelta
from math import log, sqrt
from statistics import fmean, median, stdev
from typing import Final

from services.customers.insights.facts import ShowSales, VenueFacts
from services.customers.insights.findings import Candidate, Evidence
from services.customers.insights.vocabulary import InsightType, Priority

_FARTHEST: Final = 90
_LEAST_ON_SALE: Final = timedelta(days=3)
_LEAST_COMPARABLES: Final = 8
_MOST_COMPARABLES: Final = 20
_LEAST_EXPECTED_TICKETS: Final = 10
_LEAST_CHANGE: Final = 0.2
_GRAVE_FALL: Final = -0.5
_DAY: Final = timedelta(days=1)


def candidates(facts: VenueFacts) -> list[Candidate]:
    """One test a coming show: the logarithm of the share of seats sold against that of 8 to 20 past shows.

    Comparables are the venue's latest shows that were on sale as long before their doors, those of the same
    genre first, then those on the same weekday; others are not compared. A show that is not below every one
    of them is not behind, whatever their spread says.

    Source: one-sided prediction interval for a further value of a normal sample, G. J. Hahn (1969), Factors
    for calculating two-sided prediction intervals, JASA 64.
    """
    now = facts.until
    coming = [
        show
        for show in facts.shows
        if facts.made_at < show.doors_at <= now + _FARTHEST * _DAY and show.began_at <= now - _LEAST_ON_SALE
    ]
    past = sorted(
        (show for show in facts.shows if show.doors_at <= now), key=lambda show: show.doors_at, reverse=True
    )
    found = []
    for show in sorted(coming, key=lambda show: (show.doors_at, show.event_id)):
        candidate = _compared(facts, show, past)
        if candidate is not None:
            found.append(candidate)
    return found


def _compared(facts: VenueFacts, show: ShowSales, past: Sequence[ShowSales]) -> Candidate | None:
    lead = -((facts.until - show.doors_at) // _DAY)
    like = _comparables(facts, show, past, lead)
    if len(like) < _LEAST_COMPARABLES:
        return None
    levels = [_level(other, lead) for other in like]
    spread, expected = stdev(levels), median(_part(other, lead) for other in like)
    if spread == 0 or expected * show.capacity < _LEAST_EXPECTED_TICKETS:
        return None
    level = _level(show, lead)
    statistic = (level - fmean(levels)) / (spread * sqrt(1 + 1 / len(levels)))
    evidence = Evidence(
        measure="sell_through_ratio",
        value=_part(show, lead),
        comparison_value=expected,
        window=facts.window(max(show.began_at.date(), facts.end - timedelta(days=365)), facts.end),
        comparison_window=facts.window(
            min(other.doors_at for other in like).astimezone(facts.clock).date(), facts.end
        ),
        sample_count=_sold(show, lead),
        comparison_count=len(like),
        p_value=_lower_tail(statistic, len(levels) - 1) if level < min(levels) else 1.0,
        test="prediction_t",
    )
    change = evidence.relative_change or 0.0
    return Candidate(
        type=InsightType.PACING_BEHIND,
        subject=str(show.event_id),
        priority=Priority.HIGH if change <= _GRAVE_FALL else Priority.MEDIUM,
        title=f"A show {lead} days before its doors sells {abs(change):.0%} behind comparable ones",
        description=(
            f"{evidence.value:.1%} of its seats are sold; {len(like)} comparable shows had sold "
            f"{expected:.1%} in the middle as long before their doors, and none of them so little."
        ),
        suggested_action="promote_show",
        evidence=evidence,
        expires_at=show.doors_at,
        is_material=change <= -_LEAST_CHANGE,
    )


def _comparables(
    facts: VenueFacts, show: ShowSales, past: Sequence[ShowSales], lead: int
) -> Sequence[ShowSales]:
    """Past shows, those of the same genre first, then those of the same weekday; the latest of each."""
    on_sale = [other for other in past if other.began_at <= other.doors_at - lead * _DAY]
    weekday = show.doors_at.astimezone(facts.clock).weekday()
    same_genre = [other for other in on_sale if show.genre and other.genre == show.genre]
    same_day = [
        other
        for other in on_sale
        if other not in same_genre and other.doors_at.astimezone(facts.clock).weekday() == weekday
    ]
    return [*same_genre, *same_day][:_MOST_COMPARABLES]


def _sold(show: ShowSales, lead: int) -> int:
    """Tickets sold at least `lead` days before the doors."""
    return sum(tickets for days, tickets in show.sold.items() if days >= lead)


def _part(show: ShowSales, lead: int) -> float:
    return _sold(show, lead) / show.capacity


def _level(show: ShowSales, lead: int) -> float:
    return log((_sold(show, lead) + 0.5) / show.capacity)


def _lower_tail(statistic: float, freedom: int) -> float:
    from scipy.special import stdtr

    return float(stdtr(freedom, statistic))
