"""Generators that look at customers: cohorts that stay away, best ones who fall silent, segments."""

from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from services.customers.insights.facts import (
    GoodSegments,
    RegularCustomer,
)
from services.customers.insights.generators import (
    cohort_retention,
    segment_migration,
    vips_at_risk,
)
from services.customers.insights.generators.registry import find, fresh
from services.customers.insights.vocabulary import InsightType, Priority
from tests.customers.insights.finding import found_types
from tests.customers.insights.quiet import (
    DAY,
    END,
    cohort,
    quiet_cohorts,
    quiet_days,
    quiet_regulars,
    quiet_venue,
)


def test_new_customers_who_stay_away_are_noticed(generator):
    *earlier, last = quiet_cohorts(generator)
    facts = quiet_venue(11, cohorts=[*earlier, cohort(last.start, 500, 40)])

    [finding] = find(facts, fresh(facts)).findings

    evidence = finding.candidate.evidence
    six = earlier[-6:]
    assert finding.candidate.type is InsightType.COHORT_RETENTION_CHANGE
    assert evidence.value == pytest.approx(0.08)
    assert evidence.comparison_value == pytest.approx(
        sum(each.cells[1].customer_count for each in six) / sum(each.size for each in six)
    )


def test_a_cohort_whose_second_month_still_runs_is_not_compared(generator):
    *earlier, last = quiet_cohorts(generator)
    running = replace(
        cohort(last.start, 500, 5), cells=(*last.cells[:1], replace(last.cells[1], is_running=True))
    )

    candidates = cohort_retention.candidates(quiet_venue(1, cohorts=[*earlier, running]))

    assert [candidate.subject for candidate in candidates] == ["2025-12-01"]


def test_best_customers_who_fell_silent_are_counted(generator):
    days = quiet_days(generator)
    regulars = quiet_regulars(generator, days)
    frequent = RegularCustomer(UUID(int=1), 120, END - 700 * DAY, END - 100 * DAY)
    lost = [frequent._replace(customer_id=UUID(int=place)) for place in range(1, 21)]
    facts = quiet_venue(11, days=days, regulars=[*regulars, *lost])

    [finding] = find(facts, fresh(facts)).findings

    assert finding.candidate.type is InsightType.VIPS_AT_RISK
    assert finding.candidate.evidence.value >= 20
    assert finding.candidate.priority is Priority.HIGH


def test_best_customers_of_a_day_that_the_venue_does_not_know_are_looked_at_all_the_same():
    facts = quiet_venue(1)
    first, *others = facts.regulars
    unknown = first._replace(first_day=min(day.day for day in facts.days) - 3 * DAY)

    (candidate,) = vips_at_risk.candidates(replace(facts, regulars=[unknown, *others]))

    assert candidate.evidence.sample_count == sum(one.day_count > 1 for one in facts.regulars)


def test_the_chance_of_a_silence_is_that_of_exponential_gaps_of_unknown_rate():
    generator = np.random.default_rng(4)
    gaps = generator.exponential(size=(200_000, 6))  # five gaps, then the silence

    beyond = gaps[:, 5] / gaps[:, :5].sum(axis=1) > 0.5
    stated = vips_at_risk.silence_p_value(0, 100, 150, 6)

    assert beyond.mean() == pytest.approx(stated, abs=0.003)


def test_a_summer_without_shows_makes_nobody_late(generator):
    days = quiet_days(generator)
    regulars = quiet_regulars(generator, days)
    pause = [day for day in days if day.day < END - 90 * DAY]
    kept = [
        customer._replace(last_day=min(customer.last_day, END - 91 * DAY))
        for customer in regulars
        if customer.first_day < END - 200 * DAY
    ]

    [candidate] = vips_at_risk.candidates(quiet_venue(1, days=pause, regulars=kept))

    assert candidate.evidence.p_value > 0.05


def test_more_customers_who_leave_the_good_segments_are_noticed():
    quiet = quiet_venue(11).good
    falling = {day: count * (3 if day >= END - 28 * DAY else 1) for day, count in quiet.fallen_by_day.items()}

    assert found_types(quiet_venue(11, good=quiet._replace(fallen_by_day=falling))) == {
        InsightType.SEGMENT_MIGRATION
    }


def test_segments_that_have_not_been_followed_for_16_weeks_are_not_compared():
    young = GoodSegments(100, {END - DAY: 40}, END - 60 * DAY)

    assert segment_migration.candidates(quiet_venue(1, good=young)) == []
    assert segment_migration.candidates(quiet_venue(1, good=None)) == []
