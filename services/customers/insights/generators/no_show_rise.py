"""More ticket holders who stay away than before."""

from datetime import timedelta
from typing import Final

from services.customers.insights.facts import ShowDoors, VenueFacts
from services.customers.insights.findings import Candidate, Evidence
from services.customers.insights.proportions import Group, compare
from services.customers.insights.vocabulary import InsightType, Priority

_DAYS_AFTER: Final = 28
_DAYS_BEFORE: Final = 337
_LEAST_SCANNED: Final = 0.2
_LEAST_CHANGE: Final = 0.1
_GRAVE_RISE: Final = 0.5
_LIFETIME: Final = timedelta(days=28)


def candidates(facts: VenueFacts) -> list[Candidate]:
    """One test: the share of tickets not admitted at the shows of the last 4 weeks against the year before.

    Shows at which fewer than a fifth of the tickets were scanned tell of their doors, not of their guests,
    and do not count.
    """
    after, end = facts.last_days(_DAYS_AFTER)
    before = after - timedelta(days=_DAYS_BEFORE)
    scanned = [show for show in facts.doors if show.admitted_count >= _LEAST_SCANNED * show.ticket_count]
    compared = compare(
        [_absent(show) for show in scanned if before <= show.day < after],
        [_absent(show) for show in scanned if after <= show.day < end],
        "greater",
    )
    if compared is None:
        return []
    evidence = Evidence(
        measure="no_show_ratio",
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
            type=InsightType.NO_SHOW_RISE,
            subject="venue",
            priority=Priority.HIGH if change >= _GRAVE_RISE else Priority.MEDIUM,
            title="More ticket holders stay away",
            description=(
                f"{compared.after:.1%} of the tickets of the last 4 weeks were not admitted, against "
                f"{compared.before:.1%} in the year before."
            ),
            suggested_action="send_reminders",
            evidence=evidence,
            expires_at=facts.made_at + _LIFETIME,
            is_material=change >= _LEAST_CHANGE,
        )
    ]


def _absent(show: ShowDoors) -> Group:
    return Group(max(show.ticket_count - show.admitted_count, 0), show.ticket_count)
