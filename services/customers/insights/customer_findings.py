"""What is worth knowing about one customer, from their own purchases and where they stand; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.customers.insights.generators.vips_at_risk import silence_p_value
from services.customers.insights.standing import Standing
from services.customers.insights.vocabulary import Priority

_QUANTILE: Final = 0.9
_LEAST_DAYS: Final = 3


@dataclass(frozen=True, slots=True)
class CustomerFinding:
    """A finding about one customer; names nobody."""

    type: str
    priority: Priority
    title: str
    description: str
    suggested_action: str
    measure: str
    value: float
    comparison_value: float
    p_value: float | None
    sample_count: int
    previous_segment: str = ""
    segment: str = ""
    since: datetime | None = None


def usual_gap_days(days: Sequence[date]) -> float:
    """Days after the last purchase within which 9 of 10 customers with such a history would be back.

    Of exponential gaps of unknown rate, n of which add up to S, the next one is longer than g with the
    chance (S / (S + g)) ** n; see `generators.vips_at_risk` for the source.

    Args:
        days: Distinct days with a purchase, rising, at least 2.
    """
    span, gaps = (days[-1] - days[0]).days, len(days) - 1
    return float(span * ((1 - _QUANTILE) ** (-1 / gaps) - 1))


def missed_usual_show(
    days: Sequence[date], today: date, clock: ZoneInfo, standing: Standing | None
) -> list[CustomerFinding]:
    """The own expected time to the next purchase has passed; not asked of less than 3 days of purchases."""
    if len(days) < _LEAST_DAYS:
        return []
    silent, usual = (today - days[-1]).days, usual_gap_days(days)
    if silent <= usual:
        return []
    missed = days[-1] + timedelta(days=int(usual) + 1)
    is_vip = standing is not None and standing.is_vip
    chance = silence_p_value(0, (days[-1] - days[0]).days, (today - days[0]).days, len(days))
    return [
        CustomerFinding(
            type="vip_at_risk" if is_vip else "missed_usual_show",
            priority=Priority.HIGH if is_vip else Priority.MEDIUM,
            title="A VIP missed the usual show" if is_vip else "Missed the usual show",
            description=(
                f"{silent} days without a purchase; with {len(days)} days of purchases before, 9 of 10 such "
                f"customers are back within {usual:.0f} days."
            ),
            suggested_action="contact_customer" if is_vip else "send_offer",
            measure="silent_days",
            value=silent,
            comparison_value=round(usual, 1),
            p_value=chance,
            sample_count=len(days),
            segment=standing.segment if standing is not None else "",
            since=datetime.combine(missed, time(), tzinfo=clock).astimezone(UTC),
        )
    ]


def moved_segment(standing: Standing | None) -> list[CustomerFinding]:
    """A move to a better or weaker segment within the last 90 days."""
    if standing is None or standing.before is None or not standing.rank_change:
        return []
    rose = standing.rank_change > 0
    return [
        CustomerFinding(
            type="segment_move",
            priority=Priority.LOW if rose else Priority.MEDIUM,
            title=f"{'Rose' if rose else 'Fell'} from {standing.before.label} to {standing.segment.label}",
            description=(
                "The scores of recency, frequency and money rank a customer among all others of the venue; "
                f"they now say {standing.segment.label}."
            ),
            suggested_action="thank_customer" if rose else "send_offer",
            measure="segment_rank_change",
            value=standing.rank_change,
            comparison_value=0,
            p_value=None,
            sample_count=standing.purchase_count,
            previous_segment=standing.before,
            segment=standing.segment,
            since=standing.moved_at,
        )
    ]
