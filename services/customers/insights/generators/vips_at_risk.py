"""Best customers who have been silent for longer than their own purchases explain."""

from bisect import bisect_right
from collections import Counter
from datetime import date, timedelta
from itertools import accumulate
from typing import Final

from services.customers.insights.facts import LOOK_BACK_DAYS, VenueFacts
from services.customers.insights.false_positives import FALSE_DISCOVERY_RATE, adjusted, joint_p_value
from services.customers.insights.findings import Candidate, Evidence
from services.customers.insights.vocabulary import InsightType, Priority

_LEAST_VIPS: Final = 20
_GRAVE_SHARE: Final = 0.1
_LIFETIME: Final = timedelta(days=14)


def candidates(facts: VenueFacts) -> list[Candidate]:
    """One test for all of the venue's best customers together; who of them is late comes from the same.

    Time is counted in the venue's orders and not in days, so that a summer without shows makes nobody late.
    Of somebody whose n gaps between purchases add up to S orders of the venue, and who still buys as before,
    the present silence lasts g or longer with the chance (S / (S + g)) ** n.

    Source: exponential gaps of unknown rate: the ratio of two gamma sums, as in J. F. Lawless (1971), A
    prediction problem concerning samples from the exponential distribution, Technometrics 13; the clock by
    E. N. Brown et al. (2002), The time-rescaling theorem, Neural Computation 14.
    """
    regulars = [customer for customer in facts.regulars if customer.day_count > 1]
    if len(regulars) < _LEAST_VIPS:
        return []
    clock = _order_clock(facts)
    now = max(clock.values(), default=0)
    days = sorted(clock)

    def ticks(day: date) -> int:
        """Orders up to a day, also one of which the venue's days know nothing."""
        place = bisect_right(days, day)
        return clock[days[place - 1]] if place else 0

    p_values = [
        silence_p_value(ticks(customer.first_day), ticks(customer.last_day), now, customer.day_count)
        for customer in regulars
    ]
    late = int((adjusted(p_values) <= FALSE_DISCOVERY_RATE).sum())
    first, end = facts.last_days(LOOK_BACK_DAYS)
    window = facts.window(first, end)
    evidence = Evidence(
        measure="vips_at_risk_count",
        value=late,
        comparison_value=FALSE_DISCOVERY_RATE * late,
        window=window,
        comparison_window=window,
        sample_count=len(regulars),
        comparison_count=sum(customer.day_count for customer in regulars),
        p_value=joint_p_value(p_values),
        test="simes_exponential_gaps",
    )
    return [
        Candidate(
            type=InsightType.VIPS_AT_RISK,
            subject="venue",
            priority=Priority.HIGH if late >= _GRAVE_SHARE * len(regulars) else Priority.MEDIUM,
            title=f"{late} of {len(regulars)} best customers are at risk",
            description=(
                "They have been silent for longer than their own purchases explain, counted in the venue's "
                "orders so that quiet weeks do not matter."
            ),
            suggested_action="contact_customers",
            evidence=evidence,
            expires_at=facts.made_at + _LIFETIME,
            is_material=late > 0,
        )
    ]


def silence_p_value(first: float, last: float, now: float, purchase_count: int) -> float:
    """Chance of a silence as long as the present one, of somebody who buys as before.

    Args:
        first: When the first purchase was, on any clock.
        last: When the last one was.
        now: The present.
        purchase_count: Purchases, at least 2.
    """
    span = max(last - first, 1)
    return float((span / (span + now - last)) ** (purchase_count - 1))


def _order_clock(facts: VenueFacts) -> dict[date, int]:
    """Orders of the venue until the end of each day on which it sold."""
    orders: Counter[date] = Counter()
    for day in facts.days:
        orders[day.day] += day.order_count
    days = sorted(orders)
    return dict(zip(days, accumulate(orders[day] for day in days), strict=True))
