"""A finding as it is kept, and when one that somebody has judged is open again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from libs.common.buckets import Window
from services.customers.insights.findings import Finding
from services.customers.insights.vocabulary import InsightType, Priority, State

_IDS: Final = UUID("b1a4f7d2-0c63-4b5e-9c0a-5d7f4e1d9a26")
_MATERIAL_GROWTH: Final = 1.25
"""An effect this many times as large as the judged one is another one."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The evidence on which somebody dismissed a finding or acted."""

    value: float
    comparison_value: float
    priority: Priority


@dataclass(frozen=True, slots=True)
class Action:
    """Something done about a finding."""

    action_id: UUID
    action: str
    parameters: Mapping[str, Any]
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Insight:
    """A kept finding; `evidence` holds the fields of the contract's message, times as text."""

    insight_id: UUID
    venue_id: UUID
    type: InsightType
    subject: str
    priority: Priority
    state: State
    title: str
    description: str
    suggested_action: str
    evidence: Mapping[str, Any]
    found_at: datetime
    confirmed_at: datetime
    expires_at: datetime
    newest_fact_at: datetime | None
    dismissed_at: datetime | None
    dismiss_reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """A finding of a refresh, and the state that it has from then on."""

    insight_id: UUID
    state: State
    finding: Finding
    newest_fact_at: datetime | None


def evidence_values(finding: Finding) -> dict[str, Any]:
    """The fields of the contract's InsightEvidence, as JSON values."""
    evidence = finding.candidate.evidence
    values: dict[str, Any] = {
        "measure": evidence.measure,
        "value": evidence.value,
        "comparison_value": evidence.comparison_value,
        "window": _instants(evidence.window),
        "comparison_window": _instants(evidence.comparison_window),
        "sample_count": evidence.sample_count,
        "comparison_count": evidence.comparison_count,
        "p_value": evidence.p_value,
        "adjusted_p_value": finding.adjusted_p_value,
        "test": evidence.test,
        "currency": evidence.currency,
    }
    if evidence.relative_change is not None:
        values["relative_change"] = evidence.relative_change
    return values


def _instants(window: Window) -> dict[str, str]:
    return {"start_time": window.start.isoformat(), "end_time": window.end.isoformat()}


def insight_id_of(tenant_id: UUID, venue_id: UUID, finding: Finding) -> UUID:
    """The id that a subject of a type has at a venue, however often it is found."""
    candidate = finding.candidate
    return uuid5(_IDS, f"{tenant_id}|{venue_id}|{candidate.type}|{candidate.subject}")


def state_after(state: State, judged: Judged | None, finding: Finding) -> State:
    """What a kept finding is after it was found again.

    Somebody's judgement stands until the evidence changes: the effect turns round, its priority rises, or it
    is a quarter larger than what was judged.
    """
    return State.OPEN if judged is None or has_changed(judged, finding) else state


def has_changed(judged: Judged, finding: Finding) -> bool:
    """Whether a finding's evidence differs materially from what was judged."""
    evidence = finding.candidate.evidence
    before, now = judged.value - judged.comparison_value, evidence.value - evidence.comparison_value
    turned = before * now < 0
    grown = abs(_relative(now, evidence.comparison_value)) >= _MATERIAL_GROWTH * abs(
        _relative(before, judged.comparison_value)
    )
    return turned or finding.candidate.priority.rank > judged.priority.rank or (grown and now != before)


def _relative(effect: float, comparison: float) -> float:
    """The effect over what it is held against, or itself where that is 0."""
    return effect / comparison if comparison else effect
