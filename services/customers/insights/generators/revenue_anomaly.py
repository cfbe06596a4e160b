"""Days whose revenue lies far from what their weekday leads to expect."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.customers.insights.facts import DaySales, VenueFacts
from services.customers.insights.findings import Candidate, Evidence
from services.customers.insights.tails import spread_of
from services.customers.insights.vocabulary import InsightType, Priority

_TESTED_DAYS: Final = 7
_WEEKS: Final = 8
_WEEK: Final = 7
_LEAST_RESIDUALS: Final = 56
_MOST_RESIDUALS: Final = 84
_LEAST_DAYS_WITH_SALES: Final = 0.6
_LEAST_CHANGE: Final = 0.2
_GRAVE_FALL: Final = -0.5
_LIFETIME: Final = timedelta(days=_TESTED_DAYS)


def candidates(facts: VenueFacts) -> list[Candidate]:
    """One test a day of the last week, of the currency with most orders.

    A day's logarithm is held against the median of the 8 same weekdays before it; how far days usually lie
    off is what the 8 to 12 weeks before the tested one tell, each held against its own past in the same
    way. Not tested: venues with a shorter history, or with sales on fewer than 3 of 5 days.

    Source: medians by season as in R. B. Cleveland et al. (1990), STL, J. Off. Stat. 6, section 3.5 (robust
    fits), here one-sided in time so that a day never explains itself; `tails` for the chance.
    """
    currency = main_currency(facts.days)
    length = _MOST_RESIDUALS + _TESTED_DAYS + _WEEKS * _WEEK
    net = _daily(facts, currency, length)
    history = _history(net)
    if history < _LEAST_RESIDUALS + _TESTED_DAYS + _WEEKS * _WEEK:
        return []
    net = net[length - min(history, length) :]
    usual = float(np.median(net[:-_TESTED_DAYS]))
    if usual <= 0 or float((net[:-_TESTED_DAYS] > 0).mean()) < _LEAST_DAYS_WITH_SALES:
        return []
    offset = usual / 10  # keeps days without revenue on the scale, and small ones from counting much
    levels = np.log(np.maximum(net, 0) + offset)
    expected = _weekday_medians(levels)
    residuals = levels[_WEEKS * _WEEK :] - expected
    spread = spread_of(residuals[:-_TESTED_DAYS])
    if spread is None:
        return []
    tested = []
    for back in range(_TESTED_DAYS, 0, -1):
        seen = _Day(
            day=facts.end - timedelta(days=back),
            currency=currency,
            net_minor=float(net[-back]),
            expected_minor=float(np.exp(expected[-back] + spread.centre)) - offset,
            p_value=spread.p_value(float(residuals[-back])),
        )
        tested.append(_candidate(facts, seen))
    return tested


class _Day(NamedTuple):
    """A tested day."""

    day: date
    currency: str
    net_minor: float
    expected_minor: float
    p_value: float


def _candidate(facts: VenueFacts, seen: _Day) -> Candidate:
    day = seen.day
    evidence = Evidence(
        measure="net_revenue_minor",
        value=seen.net_minor,
        comparison_value=round(seen.expected_minor),
        window=facts.window(day, day + timedelta(days=1)),
        comparison_window=facts.window(day - timedelta(days=_WEEKS * _WEEK), day),
        sample_count=1,
        comparison_count=_WEEKS,
        p_value=seen.p_value,
        test="student_t",
        currency=seen.currency,
    )
    change = evidence.relative_change or 0.0
    fell = change < 0
    priority = Priority.LOW if not fell else Priority.HIGH if change <= _GRAVE_FALL else Priority.MEDIUM
    word = "below" if fell else "above"
    return Candidate(
        type=InsightType.REVENUE_ANOMALY,
        subject=day.isoformat(),
        priority=priority,
        title=f"Revenue of {day.isoformat()} was {abs(change):.0%} {word} what its weekday leads to expect",
        description=(
            f"Days of this weekday in the 8 weeks before say what to expect; the day lies {word} it by more "
            "than days usually do."
        ),
        suggested_action="check_sales_channels" if fell else "learn_from_peak",
        evidence=evidence,
        expires_at=evidence.window.end + timedelta(days=facts.silent_days) + _LIFETIME,
        is_material=abs(change) >= _LEAST_CHANGE,
    )


def main_currency(days: Sequence[DaySales]) -> str:
    """The currency with most orders, the first of the alphabet among equals; empty without days."""
    orders: Counter[str] = Counter()
    for day in days:
        orders[day.currency] += day.order_count
    return min(orders, key=lambda currency: (-orders[currency], currency), default="")


def _daily(facts: VenueFacts, currency: str, length: int) -> NDArray[np.float64]:
    """Net revenue of the last `length` days."""
    totals: defaultdict[int, int] = defaultdict(int)
    for day in facts.days:
        if day.currency == currency:
            totals[(facts.end - day.day).days] += day.net_minor
    return np.array([totals[back] for back in range(length, 0, -1)], np.float64)


def _history(net: NDArray[np.float64]) -> int:
    """Days since the first with revenue."""
    found = np.flatnonzero(net > 0)
    return len(net) - int(found[0]) if len(found) else 0


def _weekday_medians(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each day after the first 8 weeks, the median of the 8 same weekdays before it."""
    before = [levels[back * _WEEK : len(levels) - (_WEEKS - back) * _WEEK] for back in range(_WEEKS)]
    return np.asarray(np.median(np.stack(before), axis=0), np.float64)
