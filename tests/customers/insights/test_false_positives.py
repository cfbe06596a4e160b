"""How often chance alone becomes a finding, against the stated rate."""

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from services.customers.insights.false_positives import FALSE_DISCOVERY_RATE, adjusted, joint_p_value
from services.customers.insights.generators.registry import GENERATORS, find, fresh
from services.customers.insights.vocabulary import InsightType
from tests.customers.insights.quiet import quiet_venue

SEEDS = 80


def test_adjusted_p_values_are_those_of_the_published_example():
    # Benjamini and Hochberg (1995), section 3.1: 15 comparisons, 4 of which hold at 0.05.
    values = [
        *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
        *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
    ]

    assert int((adjusted(values) <= 0.05).sum()) == 4


def test_adjusted_p_values_are_the_smallest_rates_at_which_a_step_up_holds():
    generator = np.random.default_rng(5)
    values = generator.random(12) ** 3

    levels = adjusted(values)

    ranked = sorted(values)
    for value, level in zip(values, levels, strict=True):
        own = ranked.index(value)
        naive = min(len(ranked) * ranked[place] / (place + 1) for place in range(own, len(ranked)))
        assert level == pytest.approx(min(naive, 1))


def test_the_joint_p_value_of_pure_chance_is_uniform():
    generator = np.random.default_rng(6)

    joint = [joint_p_value(generator.random(20)) for _ in range(4000)]

    assert stats.kstest(joint, "uniform").pvalue > 0.001
    assert joint_p_value([]) == 1


@pytest.fixture(scope="module")
def quiet_refreshes():
    """What refreshes of many quiet venues find, and the p-values of their tests by type."""
    found, p_values = [], {}
    for seed in range(SEEDS):
        facts = quiet_venue(seed)
        found.append(find(facts, fresh(facts)))
        for generator in GENERATORS:
            for candidate in generator(facts):
                p_values.setdefault(candidate.type, []).append(candidate.evidence.p_value)
    return found, p_values


def test_a_quiet_venue_finds_anything_at_most_at_the_stated_rate(quiet_refreshes):
    refreshes, _ = quiet_refreshes

    loud = sum(1 for refreshed in refreshes if refreshed.findings)

    # Above this many of 80 the rate is higher than stated, but for 1 chance in 1,000.
    assert loud <= stats.binom.ppf(0.999, SEEDS, FALSE_DISCOVERY_RATE)
    assert min(refreshed.test_count for refreshed in refreshes) >= 20


def test_no_type_of_quiet_test_falls_below_a_level_more_often_than_chance_allows(quiet_refreshes):
    _, p_values = quiet_refreshes

    assert set(p_values) == set(InsightType) - {InsightType.DATA_FRESHNESS}
    for values in p_values.values():
        for level in (0.01, 0.05):
            below = Counter(value <= level for value in values)[True]
            assert below <= stats.binom.ppf(0.9999, len(values), level)
