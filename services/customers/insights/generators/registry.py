"""All generators, and what they find together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from services.customers.insights.facts import VenueFacts
from services.customers.insights.false_positives import findings_among
from services.customers.insights.findings import Candidate, Finding
from services.customers.insights.generators import (
    channel_performance,
    cohort_retention,
    data_freshness,
    no_show_rise,
    pacing_behind,
    price_resistance,
    revenue_anomaly,
    segment_migration,
    vips_at_risk,
)

GENERATORS: Final[Sequence[Callable[[VenueFacts], list[Candidate]]]] = (
    revenue_anomaly.candidates,
    vips_at_risk.candidates,
    segment_migration.candidates,
    cohort_retention.candidates,
    channel_performance.candidates,
    pacing_behind.candidates,
    price_resistance.candidates,
    no_show_rise.candidates,
)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What the tests of one refresh found."""

    findings: Sequence[Finding]
    test_count: int


def find(facts: VenueFacts, silence: Sequence[Candidate]) -> Refreshed:
    """Run every generator and keep what holds.

    Args:
        facts: Facts until the venue fell silent, or until today.
        silence: What freshness says, from the facts until today.
    """
    candidates = [*silence, *(candidate for generator in GENERATORS for candidate in generator(facts))]
    return Refreshed(findings_among(candidates), len(candidates))


def fresh(facts: VenueFacts) -> list[Candidate]:
    """What freshness says; the other generators look at the days before a silence that it names."""
    return data_freshness.candidates(facts)
