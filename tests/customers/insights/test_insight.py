"""When a finding that somebody has judged is open again; pure."""

from dataclasses import replace
from uuid import uuid4

import pytest

from services.customers.insights.findings import Finding
from services.customers.insights.generators import channel_performance
from services.customers.insights.insight import Judged, insight_id_of, state_after
from services.customers.insights.vocabulary import Priority, State
from tests.customers.insights.quiet import quiet_venue


@pytest.fixture(scope="module")
def candidate():
    return channel_performance.candidates(quiet_venue(1))[0]


def finding(candidate, value, comparison, priority=Priority.MEDIUM):
    evidence = replace(candidate.evidence, value=value, comparison_value=comparison)
    return Finding(replace(candidate, evidence=evidence, priority=priority), 0.01)


@pytest.mark.parametrize(
    ("value", "comparison", "priority", "is_open"),
    [
        (80, 100, Priority.MEDIUM, False),
        (76, 100, Priority.MEDIUM, False),
        (160, 200, Priority.LOW, False),
        (75, 100, Priority.MEDIUM, True),
        (120, 100, Priority.MEDIUM, True),
        (80, 100, Priority.HIGH, True),
        (95, 100, Priority.MEDIUM, False),
    ],
)
@pytest.mark.parametrize("state", [State.DISMISSED, State.ACTIONED])
def test_a_judgement_stands_until_the_evidence_changes(
    candidate, state, value, comparison, priority, is_open
):
    judged = Judged(80, 100, Priority.MEDIUM)

    after = state_after(state, judged, finding(candidate, value, comparison, priority))

    assert after is (State.OPEN if is_open else state)


@pytest.mark.parametrize("state", [State.OPEN, State.EXPIRED])
def test_what_nobody_has_judged_is_open_when_it_is_found(candidate, state):
    assert state_after(state, None, finding(candidate, 80, 100)) is State.OPEN


def test_an_effect_from_nothing_is_held_by_its_own_size(candidate):
    judged = Judged(4, 0, Priority.MEDIUM)

    assert state_after(State.DISMISSED, judged, finding(candidate, 4, 0)) is State.DISMISSED
    assert state_after(State.DISMISSED, judged, finding(candidate, 5, 0)) is State.OPEN


def test_a_subject_keeps_its_id_at_its_venue_and_nowhere_else(candidate):
    tenant, venue = uuid4(), uuid4()

    first = insight_id_of(tenant, venue, finding(candidate, 80, 100))

    assert insight_id_of(tenant, venue, finding(candidate, 20, 100)) == first
    assert insight_id_of(tenant, uuid4(), finding(candidate, 80, 100)) != first
    assert insight_id_of(uuid4(), venue, finding(candidate, 80, 100)) != first
